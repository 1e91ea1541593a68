-- Of how many people is each kind of event complete, and how is it missing of the others?
-- The states of `coverage`, the first that is true: never told, though others tell it; gone, with all else from the source; stopped, while the source went on; gaps of over a week, or under 90 % of the last 28 days.
select
    type,
    count(*) filter (where coverage_state = 'complete') as complete,
    count(*) filter (where coverage_state = 'gaps') as gaps,
    count(*) filter (where coverage_state = 'stopped') as stopped,
    count(*) filter (where coverage_state = 'left') as gone,
    count(*) filter (where coverage_state = 'never') as never,
    max(days_since_last) filter (where coverage_state = 'stopped') as longest_silence_days

from analysts.coverage
where measure = 'any'
group by type
order by complete desc, gaps desc, type
