
/*
 * The scripts.  Lua 5.1, any Redis since 5: changes are replicated by their
 * effects.  Keys are declared, and all of a call are of one tag.
 */


#include "llm_limit_script.h"


/*
 * What both scripts begin with.  MAX is where a sum stays that would not fit
 * 64 bits; a full counter refuses.
 */

#define LLM_SCRIPT_COMMON                                                     \
    "local call, fmt = redis.call, string.format\n"                           \
    "local time = call('TIME')\n"                                             \
    "local us = time[1] * 1000000 + time[2]\n"                                \
    "local ms = math.floor(us / 1000)\n"                                      \
    "local MAX = '9223372036854775807'\n"                                     \
    "local at = 0\n"                                                          \
                                                                              \
    "local function word()\n"                                                 \
    "  at = at + 1\n"                                                         \
    "  return ARGV[at]\n"                                                     \
    "end\n"                                                                   \
                                                                              \
    "local function int(n)\n"                                                 \
    "  return fmt('%.0f', n)\n"                                               \
    "end\n"                                                                   \
                                                                              \
    "local function number(key, field)\n"                                     \
    "  return tonumber(call('HGET', key, field) or '0')\n"                    \
    "end\n"                                                                   \
                                                                              \
    "local function add(key, field, n)\n"                                     \
    "  if n ~= '0' then\n"                                                    \
    "    local sum = redis.pcall('HINCRBY', key, field, n)\n"                 \
    "    if type(sum) == 'table' then\n"                                      \
    "      call('HSET', key, field, MAX)\n"                                   \
    "    end\n"                                                               \
    "  end\n"                                                                 \
    "end\n"                                                                   \
                                                                              \
    "local function sub(key, field, n)\n"                                     \
    "  if n ~= '0' and call('HINCRBY', key, field, '-' .. n) < 0 then\n"      \
    "    call('HSET', key, field, '0')\n"                                     \
    "  end\n"                                                                 \
    "end\n"                                                                   \
                                                                              \
    "local function release(key, r, i, o, m)\n"                               \
    "  sub(key, 'r', r)\n"                                                    \
    "  sub(key, 'i', i)\n"                                                    \
    "  sub(key, 'o', o)\n"                                                    \
    "  sub(key, 'm', m)\n"                                                    \
    "end\n"                                                                   \
                                                                              \
    "local function keep(key, ttl)\n"                                         \
    "  if call('PTTL', key) < ttl then\n"                                     \
    "    call('PEXPIRE', key, int(ttl))\n"                                    \
    "  end\n"                                                                 \
    "end\n"                                                                   \
                                                                              \
    "local function level(tat, length)\n"                                     \
    "  return math.max(0, math.min(tat - us, 2 * length))\n"                  \
    "end\n"


/*
 * ARGV: id, lease (0: nothing is reserved), asked r i o m, then for each
 * subject its ttl and number of limits, and for each limit
 *   s shadow id length cost          smooth
 *   c shadow id start end part amount    calendar; part: r, i, o, m or t
 *   f shadow amount                  inflight
 * Reply: 0, -1 (clock) or the limit that refuses; ms; for each subject what
 * it holds (r i o m) and for each limit time and spent: of a smooth one its
 * level and, if reserved, its mark.
 */

static const char  llm_script_reserve_text[] =
    LLM_SCRIPT_COMMON

    "local id, lease = word(), tonumber(word())\n"
    "local r, i, o, m = word(), word(), word(), word()\n"
    "local member = 'l:' .. id .. ':' .. r .. ':' .. i .. ':' .. o .. ':' ..\n"
    "               m\n"

    "local function expire(key, leases)\n"
    "  local due = call('ZRANGEBYSCORE', leases, '-inf', int(ms), 'LIMIT',\n"
    "                   0, 32)\n"
    "  for _, one in ipairs(due) do\n"
    "    call('ZREM', leases, one)\n"
    "    local gone, a, b, c, d =\n"
    "      string.match(one, '^l:([^:]+):(%d+):(%d+):(%d+):(%d+)$')\n"
    "    if gone then\n"
    "      release(key, a, b, c, d)\n"
    "      call('ZADD', leases, int(ms + 86400000), 'x:' .. gone)\n"
    "    end\n"
    "  end\n"
    "end\n"

    "local function halves(n)\n"
    "  if string.sub(n, 1, 1) == '-' then\n"
    "    return -tonumber('0' .. string.sub(n, 2, -10)),\n"
    "           -tonumber(string.sub(n, math.max(2, #n - 8)))\n"
    "  end\n"
    "  return tonumber(#n > 9 and string.sub(n, 1, -10) or '0'),\n"
    "         tonumber(string.sub(n, -9))\n"
    "end\n"

    "local function fits(spent, held, ask, amount)\n"
    "  if ask == '0' then\n"
    "    return true\n"
    "  end\n"
    "  local a, b = halves(spent)\n"
    "  local c, d = halves(held)\n"
    "  local e, f = halves(ask)\n"
    "  local g, h = halves(amount)\n"
    "  local low = b + d + f - h\n"
    "  local carry = math.floor(low / 1000000000)\n"
    "  local high = a + c + e - g + carry\n"
    "  return high < 0 or (high == 0 and low == carry * 1000000000)\n"
    "end\n"

    "local function part(of, a, b, c, d)\n"
    "  if of == 't' then\n"
    "    return int(b + c)\n"
    "  end\n"
    "  return of == 'r' and a or of == 'i' and b or of == 'o' and c or d\n"
    "end\n"

    "local out = { '0', int(ms) }\n"
    "local refused, count = 0, 0\n"
    "local todo = {}\n"

    "for s = 1, #KEYS, 2 do\n"
    "  local key, leases = KEYS[s], KEYS[s + 1]\n"
    "  local ttl, n = tonumber(word()), tonumber(word())\n"
    "  expire(key, leases)\n"
    "  local held = call('HMGET', key, 'r', 'i', 'o', 'm')\n"
    "  for j = 1, 4 do\n"
    "    held[j] = held[j] or '0'\n"
    "    out[#out + 1] = held[j]\n"
    "  end\n"
    "  todo[#todo + 1] = { 'k', key, leases, ttl }\n"
    "  for j = 1, n do\n"
    "    local kind, shadow = word(), word()\n"
    "    local yes\n"
    "    count = count + 1\n"
    "    if kind == 's' then\n"
    "      local id, length, cost = word(), tonumber(word()),\n"
    "                               tonumber(word())\n"
    "      local now = level(number(key, 't' .. id), length)\n"
    "      yes = cost == 0 or cost <= length - now\n"
    "      out[#out + 1] = int(now)\n"
    "      out[#out + 1] = '0'\n"
    "      todo[#todo + 1] = { 's', key, id, us + now + cost, #out }\n"
    "    elseif kind == 'c' then\n"
    "      local id, start, stop = word(), tonumber(word()),\n"
    "                              tonumber(word())\n"
    "      local of, amount = word(), word()\n"
    "      if ms < start or (stop ~= -1 and ms >= stop) then\n"
    "        return { '-1', int(ms) }\n"
    "      end\n"
    "      local began = number(key, 't' .. id)\n"
    "      local spent = '0'\n"
    "      if began >= start then\n"
    "        spent = call('HGET', key, 's' .. id) or '0'\n"
    "      else\n"
    "        todo[#todo + 1] = { 'c', key, id, start }\n"
    "      end\n"
    "      yes = fits(spent, part(of, unpack(held)), part(of, r, i, o, m),\n"
    "                 amount)\n"
    "      out[#out + 1] = int(began)\n"
    "      out[#out + 1] = spent\n"
    "    else\n"
    "      yes = fits('0', held[1], r, word())\n"
    "      out[#out + 1] = '0'\n"
    "      out[#out + 1] = '0'\n"
    "    end\n"
    "    if not yes and shadow == '0' and refused == 0 then\n"
    "      refused = count\n"
    "    end\n"
    "  end\n"
    "end\n"

    "if refused > 0 or lease == 0 then\n"
    "  out[1] = int(refused)\n"
    "  return out\n"
    "end\n"

    "for _, t in ipairs(todo) do\n"
    "  local key = t[2]\n"
    "  if t[1] == 'k' then\n"
    "    add(key, 'r', r)\n"
    "    add(key, 'i', i)\n"
    "    add(key, 'o', o)\n"
    "    add(key, 'm', m)\n"
    "    call('ZADD', t[3], int(ms + lease), member)\n"
    "    keep(key, t[4])\n"
    "    keep(t[3], math.max(t[4], lease + 2 * 86400000))\n"
    "  elseif t[1] == 's' then\n"
    "    call('HSET', key, 't' .. t[3], int(t[4]))\n"
    "    out[t[5]] = int((t[4] + number(key, 's' .. t[3]))\n"
    "                    % 4503599627370496)\n"
    "  else\n"
    "    call('HSET', key, 't' .. t[3], int(t[4]))\n"
    "    call('HSET', key, 's' .. t[3], '0')\n"
    "  end\n"
    "end\n"

    "return out\n";


/*
 * ARGV: mode (f first, a again, l later), id, asked r i o m, then for each
 * subject its ttl and number of limits, and for each limit
 *   s id length had has mark
 *   c id start used
 * Reply: subjects that it counted for.
 */

static const char  llm_script_settle_text[] =
    LLM_SCRIPT_COMMON

    "local mode, id = word(), word()\n"
    "local r, i, o, m = word(), word(), word(), word()\n"
    "local member = 'l:' .. id .. ':' .. r .. ':' .. i .. ':' .. o .. ':' ..\n"
    "               m\n"
    "local MOD = 4503599627370496\n"
    "local done = 0\n"

    "local function smooth(key, id, length, had, has, mark)\n"
    "  local now = level(number(key, 't' .. id), length)\n"
    "  if has >= had then\n"
    "    if has > had then\n"
    "      call('HSET', key, 't' .. id, int(us + now + has - had))\n"
    "    end\n"
    "    return\n"
    "  end\n"
    "  local gifts = number(key, 's' .. id)\n"
    "  local own = (mark - gifts - us) % MOD\n"
    "  if own >= MOD / 2 then\n"
    "    return\n"
    "  end\n"
    "  local back = math.min(had - has, own, now)\n"
    "  if back > 0 then\n"
    "    call('HSET', key, 't' .. id, int(us + now - back))\n"
    "    call('HSET', key, 's' .. id, int((gifts + back) % MOD))\n"
    "  end\n"
    "end\n"

    "local function calendar(key, id, start, used)\n"
    "  local began = number(key, 't' .. id)\n"
    "  if began > start then\n"
    "    return\n"
    "  end\n"
    "  if began < start then\n"
    "    call('HSET', key, 't' .. id, int(start))\n"
    "    call('HSET', key, 's' .. id, '0')\n"
    "  end\n"
    "  add(key, 's' .. id, used)\n"
    "end\n"

    "for s = 1, #KEYS, 2 do\n"
    "  local key, leases = KEYS[s], KEYS[s + 1]\n"
    "  local ttl, n = tonumber(word()), tonumber(word())\n"
    "  local yes\n"
    "  if mode == 'l' then\n"
    "    yes = call('ZADD', leases, 'NX', int(ms + 86400000), 'm:' .. id)\n"
    "          == 1\n"
    "  elseif call('ZREM', leases, member) == 1 then\n"
    "    yes = true\n"
    "    release(key, r, i, o, m)\n"
    "  else\n"
    "    yes = call('ZREM', leases, 'x:' .. id) == 1\n"
    "          or (mode == 'f' and not call('ZSCORE', leases, 'e:' .. id))\n"
    "  end\n"
    "  local some = false\n"
    "  for j = 1, n do\n"
    "    local kind, of = word(), word()\n"
    "    if kind == 's' then\n"
    "      local length, had = tonumber(word()), tonumber(word())\n"
    "      local has, mark = tonumber(word()), tonumber(word())\n"
    "      some = some or has > 0\n"
    "      if yes then\n"
    "        smooth(key, of, length, had, has, mark)\n"
    "      end\n"
    "    else\n"
    "      local start, used = tonumber(word()), word()\n"
    "      some = some or used ~= '0'\n"
    "      if yes then\n"
    "        calendar(key, of, start, used)\n"
    "      end\n"
    "    end\n"
    "  end\n"
    "  if yes then\n"
    "    done = done + 1\n"
    "    keep(key, ttl)\n"
    "    if mode == 'l' then\n"
    "      keep(leases, math.max(ttl, 2 * 86400000))\n"
    "    elseif mode == 'a' and some then\n"
    "      call('ZADD', leases, int(ms + 3600000), 'e:' .. id)\n"
    "      keep(leases, 2 * 86400000)\n"
    "    end\n"
    "  end\n"
    "end\n"

    "return done\n";


const llm_str_t  llm_script_reserve = llm_string(llm_script_reserve_text);
const llm_str_t  llm_script_settle = llm_string(llm_script_settle_text);
