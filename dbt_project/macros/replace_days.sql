{# The incremental strategy `replace_days`: delete every row of the days that are built anew, then insert what
   these days hold now. dbt's own delete+insert would leave behind the rows of a day that has lost them.
   The model says in `meta: {days: int_rebuilt_days}` which days these are. #}
{% macro get_incremental_replace_days_sql(arg_dict) %}
    {%- set target_relation = arg_dict["target_relation"] -%}
    {%- set columns = arg_dict["dest_columns"] | map(attribute="quoted") | join(", ") -%}
    {%- set days = config.get("meta")["days"] -%}
    {%- set days_relation = api.Relation.create(
        database=target.database, schema="staging" if days.startswith("stg_") else "intermediate", identifier=days
    ) -%}

    delete from {{ target_relation }} as existing
    using {{ days_relation }} as days
    where existing.user_id = days.user_id and existing.local_date = days.local_date;

    insert into {{ target_relation }} ({{ columns }})
    select {{ columns }} from {{ arg_dict["temp_relation"] }};
{% endmacro %}
