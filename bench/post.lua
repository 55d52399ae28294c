-- Chat requests, for wrk:
--
--     wrk ... -s post.lua URL -- FILE KEY
--
-- FILE is the body.  The last line of output is for run.sh: requests,
-- microseconds, failures, answers other than 2xx and 3xx, and in microseconds
-- the median and the 99th percentile.

function init(args)
    local file = assert(io.open(args[1], "rb"))

    wrk.method = "POST"
    wrk.body = file:read("*a")
    wrk.headers["Content-Type"] = "application/json"
    wrk.headers["Authorization"] = "Bearer " .. args[2]

    file:close()
end

function done(summary, latency, requests)
    local e = summary.errors

    io.write(string.format("RESULT %d %d %d %d %d %d\n", summary.requests,
                           summary.duration,
                           e.connect + e.read + e.write + e.timeout,
                           e.status, latency:percentile(50),
                           latency:percentile(99)))
end
