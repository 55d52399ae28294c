-- Chat requests of a given size, for wrk:
--
--     wrk ... -s post.lua URL -- SIZE KEY MODEL
--
-- Up to a megabyte it is text as people send it, with its escapes, in many
-- messages; beyond that one message with an image inside.  The last line of
-- output is for run.sh: requests, microseconds, failures, and in microseconds
-- the median and the 99th percentile.

local text = [[{"role":"user","content":"Please read the following and \
tell me, in one paragraph, what it says:\n\n\"The keeper of the gate asks \
each for a name,\" wrote the clerk \u2014 \"and writes down what was owed.\"\
\n\tThen the next one comes."},]]

text = text:gsub("\\\n", "")

function init(args)
    local size, key, model = tonumber(args[1]), args[2], args[3]
    local head = '{"model":"' .. model .. '","messages":['
    local tail = '{"role":"user","content":"And now?"}],"temperature":0.7,'
                 .. '"max_tokens":1000}'
    local room = size - #head - #tail
    local middle = {}

    if size > 1000000 then
        local open = '{"role":"user","content":[{"type":"image_url",'
                     .. '"image_url":{"url":"data:image/png;base64,'
        local close = '"}}]},'

        room = room - #open - #close
        middle[1] = open .. ("iVBORw0KGgoAAAANSUhEUgAA"):rep(room / 24) .. close

    else
        for i = 1, room / #text do
            middle[i] = text
        end
    end

    wrk.method = "POST"
    wrk.body = head .. table.concat(middle) .. tail
    wrk.headers["Content-Type"] = "application/json"
    wrk.headers["Authorization"] = "Bearer " .. key
end

function done(summary, latency, requests)
    local e = summary.errors

    io.write(string.format("RESULT %d %d %d %d %d %d\n", summary.requests,
                           summary.duration,
                           e.connect + e.read + e.write + e.timeout,
                           e.status, latency:percentile(50),
                           latency:percentile(99)))
end
