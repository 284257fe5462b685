-- The figures of a run on one line: requests, microseconds, errors, microseconds of the 99th percentile.
function done(summary, latency)
    local e = summary.errors
    local errors = e.connect + e.read + e.write + e.status + e.timeout
    io.write(string.format("result %d %d %d %d\n", summary.requests, summary.duration, errors, latency:percentile(99)))
end
