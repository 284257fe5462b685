-- Refresh tokens from a file, each in flight only once: what an answer brings takes the place of what it used up.
require "result"

local form
local pool = {}

function init(args)
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
    form = args[1] .. "&refresh_token="
    for token in io.lines(args[2]) do
        pool[#pool + 1] = token
    end
end

function request()
    -- Without one the form is refused, and so the run counts for nothing.
    return wrk.format(nil, nil, nil, form .. (table.remove(pool) or ""))
end

function response(status, headers, body)
    pool[#pool + 1] = body:match('"refresh_token":"([^"]+)"')
end
