-- Codes from a file, each with its DPoP proof and sent once.
require "result"

local form, file
local headers = { ["Content-Type"] = "application/x-www-form-urlencoded" }

function init(args)
    form = args[1] .. "&code="
    file = io.open(args[2])
end

function request()
    -- Without one the form is refused, and so the run counts for nothing.
    local code, proof = (file:read() or ""):match("([^\t]+)\t(.+)")
    headers["DPoP"] = proof
    return wrk.format("POST", nil, headers, form .. (code or ""))
end
