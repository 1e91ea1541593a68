{# What analysts read of a mart: the same rows and columns as a view of the same name in the schema `analysts`, with a
   key in place of the person. A post-hook of every mart, so that a new one has its view without another line.

   - `user_id` becomes `person_key`; a row of somebody without a pseudonym, or who has left, is not there. A mart of
     nobody in particular is shown whole.
   - What else names a single record (uuid, or `text: id`) is hashed with the person's salt: `event_id` becomes
     `event_key`, and joins within a person as before.
   - Text and JSON are shown where the mart's `meta` says `text: code`; without a word, or with `text: words`, they are
     left out (tests/dbt/test_analysts.py asks for the declaration).
   - `text: name` is what an app calls itself: shown when written as software is named, without a blank. Nothing keeps an
     app from sending the name of a person's phone.

   The view reads what its owner may read, the analyst nothing but the view. #}
{% macro view_for_analysts() %}
    {%- set columns = [] -%}
    {%- set comments = [] -%}
    {%- set view = "analysts." ~ this.identifier -%}
    {%- for column in model.columns.values() -%}
        {%- set text = column.meta.get("text") -%}
        {%- set has_text = column.data_type in ("text", "jsonb", "text[]") -%}
        {%- set name = column.name -%}
        {%- set said = column.description -%}
        {%- if name == "user_id" -%}
            {%- set said = "Key of the person: a keyed hash, the same in every view." -%}
            {%- set name = "person_key" -%}
            {%- set expression = "pseudonyms.person_key" -%}
        {%- elif column.data_type == "uuid" or text == "id" -%}
            {%- set name = name[:-3] ~ "_key" if name.endswith("_id") else name -%}
            {%- set said = said ~ " A hash." -%}
            {%- set salted = "sha256(pseudonyms.record_salt || convert_to(mart." ~ column.name ~ "::text, 'UTF8'))" -%}
            {%- set expression = "encode(substring(" ~ salted ~ " for 16), 'hex')::uuid" -%}
        {%- elif text == "name" -%}
            {%- set is_plain = "mart." ~ column.name ~ " ~ '^[[:alnum:]][[:alnum:]._-]{0,63}$'" -%}
            {%- set expression = "case when " ~ is_plain ~ " then mart." ~ column.name ~ " else 'other' end" -%}
        {%- else -%}
            {%- set expression = "mart." ~ column.name -%}
        {%- endif -%}
        {%- if text in ("code", "id", "name") or not has_text -%}
            {%- do columns.append(expression ~ " as " ~ name) -%}
            {%- do comments.append((name, said | replace("'", "''"))) -%}
        {%- endif -%}
    {%- endfor %}
    drop view if exists {{ view }};
    create view {{ view }} as
    select {{ columns | join(", ") }}
    from {{ this }} as mart
    {%- if "user_id" in model.columns %}
    inner join app.pseudonyms as pseudonyms on mart.user_id = pseudonyms.user_id
    inner join app.users as people on mart.user_id = people.user_id and people.deleted_at is null
    {%- endif %};
    comment on view {{ view }} is '{{ model.description | trim | replace("'", "''") }}';
    {% for name, said in comments -%}
    comment on column {{ view }}.{{ name }} is '{{ said | trim }}';
    {% endfor %}
{% endmacro %}
