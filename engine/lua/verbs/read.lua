#!lua no-writes
-- One job as it is now.
-- KEYS: prefix
-- ARGV: job
-- Returns: id fields document request hints | id alone when there is no such job
--@include lib/job.lua
return job_show(T, job)
