-- wrk's side: the same form over and over, and the figures on one line.
function init(args)
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
    wrk.body = args[1]
end

function done(summary)
    local e = summary.errors
    local errors = e.connect + e.read + e.write + e.status + e.timeout
    io.write(string.format("result %d %d %d\n", summary.requests, summary.duration, errors))
end
