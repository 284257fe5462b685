-- wrk's side: the same GET over and over, with the headers of the arguments, name and value in turn.
require "result"

function init(args)
    for at = 1, #args, 2 do
        wrk.headers[args[at]] = args[at + 1]
    end
end
