{# Whether an instant has come: what "has happened" means in every mart. A day has happened when it has begun, a moment
   of features when it has come, a score when all that it follows from was known.

   Appointments lie ahead, and so do their days: the tables hold these like all others, and are never built anew merely
   because one has come. So it is asked when somebody reads: in views only, or an incremental build is no full one. #}
{% macro has_happened(instant) -%}
    {{ instant }} <= {{ present() }}
{%- endmacro %}
