-- Wrong passwords without end. A connection waits a moment after each answer, or the refusals would have the generator
-- send as fast as it can.
local threads = {}
local pause_ms
-- Of the thread, not local: `done` reads them.
wrong, busy, other = 0, 0, 0

function setup(thread)
    threads[#threads + 1] = thread
end

function init(args)
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
    wrk.headers["Cookie"] = args[2]
    wrk.body = args[1]
    pause_ms = tonumber(args[3])
end

function delay()
    return pause_ms
end

function response(status)
    if status == 422 then
        wrong = wrong + 1
    elseif status == 503 then
        busy = busy + 1
    else
        other = other + 1
    end
end

function done(summary)
    local t = threads[1]
    io.write(string.format("result %d %d %d %d\n", t:get("wrong"), summary.duration, t:get("other"), t:get("busy")))
end
