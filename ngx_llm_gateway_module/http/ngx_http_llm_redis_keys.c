
/*
 * Keys made at run time, on all hosts that share a Redis.  There it is a hash
 * of records by name, with when each was changed, and a sorted set of names by
 * the number of their last change: a host that was told up to one number asks
 * for what came behind it.  A record that was removed stays as a grave, so
 * that no host brings it back.
 *
 * One worker of each host listens; the one that changes a key tells.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_block.h"
#include "ngx_http_llm_redis.h"

#include <openssl/rand.h>


/* how often changes are asked for, milliseconds */
#define NGX_HTTP_LLM_KEYS_TICK    400

/* records that are told, or heard, at a time */
#define NGX_HTTP_LLM_KEYS_BATCH   64

/* how long a grave is kept, milliseconds */
#define NGX_HTTP_LLM_KEYS_GRAVE   "2592000000"

#define NGX_HTTP_LLM_KEYS_ARGC    11


/*
 *   IDLE -> ASKING -> IDLE        the number is as it was
 *   ASKING -> HEARING -> ...      changes come, a batch at a time
 *   HEARING -> IDLE
 *
 * Telling goes beside it.
 */

typedef struct {
    ngx_http_llm_main_conf_t  *lmcf;         /* NULL: there is nothing to do */
    ngx_event_t                tick;
    ngx_llm_keys_heard_t       heard;
    ngx_uint_t                 asking;       /* a question is under way */
    ngx_uint_t                 telling;      /* records under way */
    ngx_uint_t                 failed;       /* some of them came back */
} ngx_http_llm_redis_keys_t;


/* a record under way */

typedef struct {
    uint64_t                   version;
    size_t                     len;
    u_char                     name[NGX_LLM_KEYS_NAME_MAX];
} ngx_http_llm_redis_told_t;


static void ngx_http_llm_redis_keys_tick(ngx_event_t *ev);
static void ngx_http_llm_redis_keys_ask(void);
static void ngx_http_llm_redis_keys_asked(void *data, ngx_int_t rc,
    redisReply *reply);
static void ngx_http_llm_redis_keys_listen(void);
static void ngx_http_llm_redis_keys_heard(void *data, ngx_int_t rc,
    redisReply *reply);
static ngx_int_t ngx_http_llm_redis_keys_epoch(redisReply *reply,
    ngx_llm_keys_heard_t *heard);
static void ngx_http_llm_redis_keys_merge(redisReply *name,
    redisReply *value);
static ngx_int_t ngx_http_llm_redis_keys_send(ngx_llm_keys_entry_t *entry,
    ngx_str_t *value);
static void ngx_http_llm_redis_keys_sent(void *data, ngx_int_t rc,
    redisReply *reply);
static ngx_uint_t ngx_http_llm_redis_keys_names(ngx_str_t *argv, u_char *p);


/*
 * KEYS: records, changes, number, graves.  ARGV: a new epoch, the record's
 * name, stamp, flags ("x": a grave), bytes, and how long graves are kept.
 * Reply: 1, or 0 where what is there is as late.
 */

static ngx_llm_redis_script_t  ngx_http_llm_redis_keys_tell_script = {
    ngx_string(
    "local function stamp(text)\n"
    "  return text and tonumber(string.match(text, '^(%d+) ')) or -1\n"
    "end\n"
    "local name, at = ARGV[2], tonumber(ARGV[3])\n"
    "if stamp(redis.call('HGET', KEYS[1], name)) >= at then\n"
    "  return 0\n"
    "end\n"
    "local epoch, n = string.match(redis.call('GET', KEYS[3]) or '',\n"
    "                              '^(%w+):(%d+)$')\n"
    "if not epoch then\n"
    "  epoch, n = ARGV[1], '0'\n"
    "end\n"
    "n = string.format('%.0f', tonumber(n) + 1)\n"
    "redis.call('HSET', KEYS[1], name, ARGV[3] .. ' ' .. ARGV[5])\n"
    "redis.call('ZADD', KEYS[2], n, name)\n"
    "redis.call('SET', KEYS[3], epoch .. ':' .. n)\n"
    "if ARGV[4] ~= 'x' then\n"
    "  redis.call('ZREM', KEYS[4], name)\n"
    "  return 1\n"
    "end\n"
    "redis.call('ZADD', KEYS[4], ARGV[3], name)\n"
    "local old = redis.call('ZRANGEBYSCORE', KEYS[4], '-inf',\n"
    "  string.format('%.0f', at - tonumber(ARGV[6])), 'LIMIT', 0, 16)\n"
    "for _, one in ipairs(old) do\n"
    "  redis.call('HDEL', KEYS[1], one)\n"
    "  redis.call('ZREM', KEYS[2], one)\n"
    "  redis.call('ZREM', KEYS[4], one)\n"
    "end\n"
    "return 1\n"),
    { 0 }
};


/*
 * KEYS: the same.  ARGV: the number up to which all is known, how many.
 * Reply: milliseconds, the number, and of each change its number, name, and
 * record.
 */

static ngx_llm_redis_script_t  ngx_http_llm_redis_keys_hear_script = {
    ngx_string(
    "local time = redis.call('TIME')\n"
    "local out = { string.format('%.0f', time[1] * 1000\n"
    "                            + math.floor(time[2] / 1000)),\n"
    "              redis.call('GET', KEYS[3]) or '' }\n"
    "local all = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[1],\n"
    "                       '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])\n"
    "for i = 1, #all, 2 do\n"
    "  local text = redis.call('HGET', KEYS[1], all[i]) or ''\n"
    "  out[#out + 1] = all[i + 1]\n"
    "  out[#out + 1] = all[i]\n"
    "  out[#out + 1] = string.gsub(text, '^%d+ ', '', 1)\n"
    "end\n"
    "return out\n"),
    { 0 }
};


static ngx_http_llm_redis_keys_t  ngx_http_llm_redis_keys;


ngx_int_t
ngx_http_llm_redis_keys_init(ngx_cycle_t *cycle,
    ngx_http_llm_main_conf_t *lmcf)
{
    ngx_event_t  *ev;

    if (lmcf->redis == NULL || lmcf->runtime_keys == NULL) {
        return NGX_OK;
    }

    ngx_llm_redis_script_init(&ngx_http_llm_redis_keys_tell_script);
    ngx_llm_redis_script_init(&ngx_http_llm_redis_keys_hear_script);

    ngx_http_llm_redis_keys.lmcf = lmcf;

    if (ngx_worker != 0) {
        return NGX_OK;
    }

    ev = &ngx_http_llm_redis_keys.tick;
    ev->handler = ngx_http_llm_redis_keys_tick;
    ev->log = cycle->log;
    ev->cancelable = 1;

    ngx_add_timer(ev, 1);

    return NGX_OK;
}


void
ngx_http_llm_redis_keys_stop(void)
{
    ngx_http_llm_redis_keys.lmcf = NULL;

    if (ngx_http_llm_redis_keys.tick.timer_set) {
        ngx_del_timer(&ngx_http_llm_redis_keys.tick);
    }
}


static void
ngx_http_llm_redis_keys_tick(ngx_event_t *ev)
{
    if (!ngx_http_llm_redis_keys.asking) {
        ngx_http_llm_redis_keys_ask();
    }

    ngx_add_timer(ev, NGX_HTTP_LLM_KEYS_TICK);
}


/* one GET where nothing changed */

static void
ngx_http_llm_redis_keys_ask(void)
{
    u_char      text[4 * (NGX_HTTP_LLM_NAME_MAX + 32)];
    ngx_str_t   argv[NGX_HTTP_LLM_KEYS_ARGC], get[2];

    (void) ngx_http_llm_redis_keys_names(argv, text);

    ngx_str_set(&get[0], "GET");
    get[1] = argv[5];

    if (ngx_llm_redis_command(ngx_http_llm_redis_worker()->client, &get[1],
                              get, 2, ngx_http_llm_redis_keys_asked, NULL))
    {
        ngx_http_llm_redis_keys.asking = 1;
    }
}


static void
ngx_http_llm_redis_keys_asked(void *data, ngx_int_t rc, redisReply *reply)
{
    ngx_llm_keys_t        *keys;
    ngx_llm_keys_heard_t   now, *heard;

    ngx_http_llm_redis_keys.asking = 0;

    if (rc != NGX_OK || ngx_http_llm_redis_keys.lmcf == NULL) {
        return;
    }

    keys = ngx_http_llm_redis_keys.lmcf->runtime_keys;
    heard = &ngx_http_llm_redis_keys.heard;

    if (heard->len == 0) {
        ngx_llm_keys_heard(keys, heard);
    }

    if (ngx_http_llm_redis_keys_epoch(reply, &now) != NGX_OK) {

        /* it has none: whatever we have is to be told */

        if (heard->len || ngx_llm_keys_count(keys)) {
            ngx_memzero(heard, sizeof(ngx_llm_keys_heard_t));
            ngx_llm_keys_hear(keys, heard);
            ngx_llm_keys_owe_all(keys);
        }

        ngx_http_llm_redis_keys_tell();
        return;
    }

    if (now.len != heard->len
        || ngx_memcmp(now.epoch, heard->epoch, now.len) != 0
        || now.number < heard->number)
    {
        /* another memory: all of it, and then what we have beyond that */

        *heard = now;
        heard->number = 0;

        ngx_llm_keys_owe_all(keys);

    } else if (now.number == heard->number) {
        ngx_http_llm_redis_keys_tell();
        return;
    }

    ngx_http_llm_redis_keys_listen();
}


/* "EPOCH:NUMBER" */

static ngx_int_t
ngx_http_llm_redis_keys_epoch(redisReply *reply, ngx_llm_keys_heard_t *heard)
{
    char  *p;

    ngx_memzero(heard, sizeof(ngx_llm_keys_heard_t));

    if (reply->type != REDIS_REPLY_STRING) {
        return NGX_DECLINED;
    }

    p = memchr(reply->str, ':', reply->len);

    if (p == NULL || p == reply->str
        || p - reply->str > NGX_LLM_KEYS_EPOCH)
    {
        return NGX_DECLINED;
    }

    heard->len = p - reply->str;
    ngx_memcpy(heard->epoch, reply->str, heard->len);
    heard->number = strtoull(p + 1, NULL, 10);

    return NGX_OK;
}


static void
ngx_http_llm_redis_keys_listen(void)
{
    u_char       text[4 * (NGX_HTTP_LLM_NAME_MAX + 32)];
    u_char       number[NGX_INT64_LEN];
    ngx_str_t    argv[NGX_HTTP_LLM_KEYS_ARGC];
    ngx_uint_t   n;

    n = ngx_http_llm_redis_keys_names(argv, text);

    argv[n].data = number;
    argv[n].len = ngx_sprintf(number, "%uL",
                              ngx_http_llm_redis_keys.heard.number)
                  - number;
    n++;

    ngx_str_set(&argv[n], "64");
    n++;

    if (ngx_llm_redis_eval(ngx_http_llm_redis_worker()->client,
                           &ngx_http_llm_redis_keys_hear_script, argv, n,
                           ngx_http_llm_redis_keys_heard, NULL))
    {
        ngx_http_llm_redis_keys.asking = 1;
    }
}


static void
ngx_http_llm_redis_keys_heard(void *data, ngx_int_t rc, redisReply *reply)
{
    size_t                 i;
    uint64_t               number;
    ngx_llm_keys_t        *keys;
    ngx_llm_keys_heard_t   now, *heard;

    ngx_http_llm_redis_keys.asking = 0;

    if (rc != NGX_OK || ngx_http_llm_redis_keys.lmcf == NULL
        || reply->type != REDIS_REPLY_ARRAY || reply->elements < 2
        || (reply->elements - 2) % 3 != 0)
    {
        return;
    }

    for (i = 0; i < reply->elements; i++) {
        if (reply->element[i]->type != REDIS_REPLY_STRING) {
            return;
        }
    }

    keys = ngx_http_llm_redis_keys.lmcf->runtime_keys;
    heard = &ngx_http_llm_redis_keys.heard;

    ngx_http_llm_redis_clock(strtoll(reply->element[0]->str, NULL, 10));

    if (ngx_http_llm_redis_keys_epoch(reply->element[1], &now) != NGX_OK
        || now.len != heard->len
        || ngx_memcmp(now.epoch, heard->epoch, now.len) != 0)
    {
        return;
    }

    for (i = 2; i < reply->elements; i += 3) {

        number = strtoull(reply->element[i]->str, NULL, 10);

        ngx_http_llm_redis_keys_merge(reply->element[i + 1],
                                      reply->element[i + 2]);

        heard->number = ngx_max(heard->number, number);
    }

    if (reply->elements - 2 == 3 * NGX_HTTP_LLM_KEYS_BATCH) {
        ngx_http_llm_redis_keys_listen();
        return;
    }

    /* those that were changed once more since are behind it anyway */

    ngx_llm_keys_hear(keys, heard);

    ngx_http_llm_redis_keys_tell();
}


static void
ngx_http_llm_redis_keys_merge(redisReply *name, redisReply *value)
{
    ngx_int_t  rc;
    ngx_str_t  n, v;

    n.data = (u_char *) name->str;
    n.len = name->len;

    v.data = (u_char *) value->str;
    v.len = value->len;

    rc = ngx_llm_keys_merge(ngx_http_llm_redis_keys.lmcf->runtime_keys, &n,
                            &v);

    if (rc == NGX_OK) {
        return;
    }

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "llm key \"%V\" of another host is left out: %s", &n,
                  rc == NGX_BUSY ? "its secret is that of another key"
                  : rc == NGX_ERROR ? "no room in the zone"
                  : "it makes no sense to this version");
}


/* what Redis does not take now comes with the next tick */

void
ngx_http_llm_redis_keys_tell(void)
{
    uint64_t                    first;
    ngx_str_t                   value;
    ngx_uint_t                  i;
    ngx_llm_keys_entry_t        entry;
    ngx_http_llm_redis_keys_t  *rk;

    rk = &ngx_http_llm_redis_keys;

    if (rk->lmcf == NULL || rk->telling
        || !ngx_llm_keys_owes(rk->lmcf->runtime_keys)
        || ngx_http_llm_redis_worker()->client == NULL)
    {
        return;
    }

    rk->failed = 0;
    first = 0;

    for (i = 0; i < NGX_HTTP_LLM_KEYS_BATCH; i++) {

        if (ngx_llm_keys_owed(rk->lmcf->runtime_keys, &entry, &value)
            != NGX_OK)
        {
            break;
        }

        /* once around: each stays owed until Redis says that it has it */

        if (entry.version == first) {
            break;
        }

        if (i == 0) {
            first = entry.version;
        }

        if (ngx_http_llm_redis_keys_send(&entry, &value) != NGX_OK) {
            break;
        }
    }
}


static ngx_int_t
ngx_http_llm_redis_keys_send(ngx_llm_keys_entry_t *entry, ngx_str_t *value)
{
    u_char                      text[4 * (NGX_HTTP_LLM_NAME_MAX + 32)];
    u_char                      random[8], epoch[16], stamp[NGX_INT64_LEN];
    ngx_str_t                   argv[NGX_HTTP_LLM_KEYS_ARGC + 3];
    ngx_uint_t                  n;
    ngx_http_llm_redis_told_t  *told;

    if (RAND_bytes(random, sizeof(random)) != 1) {
        return NGX_ERROR;
    }

    ngx_hex_dump(epoch, random, sizeof(random));

    told = ngx_alloc(sizeof(ngx_http_llm_redis_told_t), ngx_cycle->log);
    if (told == NULL) {
        return NGX_ERROR;
    }

    told->version = entry->version;
    told->len = entry->name.len;
    ngx_memcpy(told->name, entry->name.data, entry->name.len);

    n = ngx_http_llm_redis_keys_names(argv, text);

    argv[n].data = epoch;
    argv[n++].len = sizeof(epoch);

    argv[n++] = entry->name;

    argv[n].data = stamp;
    argv[n++].len = ngx_sprintf(stamp, "%L", entry->stamp) - stamp;

    if (entry->deleted) {
        ngx_str_set(&argv[n], "x");

    } else {
        ngx_str_set(&argv[n], "-");
    }

    n++;

    argv[n++] = *value;

    ngx_str_set(&argv[n], NGX_HTTP_LLM_KEYS_GRAVE);
    n++;

    if (ngx_llm_redis_eval(ngx_http_llm_redis_worker()->client,
                           &ngx_http_llm_redis_keys_tell_script, argv, n,
                           ngx_http_llm_redis_keys_sent, told)
        == NULL)
    {
        ngx_free(told);
        return NGX_ERROR;
    }

    ngx_http_llm_redis_keys.telling++;

    return NGX_OK;
}


static void
ngx_http_llm_redis_keys_sent(void *data, ngx_int_t rc, redisReply *reply)
{
    ngx_http_llm_redis_told_t *told = data;

    ngx_str_t                   name;
    ngx_http_llm_redis_keys_t  *rk;

    rk = &ngx_http_llm_redis_keys;

    rk->telling--;

    if (rk->lmcf && rc == NGX_OK) {
        name.data = told->name;
        name.len = told->len;

        ngx_llm_keys_told(rk->lmcf->runtime_keys, &name, told->version);

    } else {
        rk->failed = 1;
    }

    ngx_free(told);

    if (rk->telling == 0 && !rk->failed) {
        ngx_http_llm_redis_keys_tell();
    }
}


/* the words up to the names of the four keys; text has room for these */

static ngx_uint_t
ngx_http_llm_redis_keys_names(ngx_str_t *argv, u_char *p)
{
    ngx_str_t   *prefix;
    ngx_uint_t   i;

    static const char  *names[] = { "records", "changes", "number", "graves" };

    prefix = &ngx_http_llm_redis_worker()->conf->prefix;

    ngx_str_set(&argv[2], "4");

    for (i = 0; i < 4; i++) {
        argv[3 + i].data = p;
        p = ngx_sprintf(p, "%V{keys}:%s", prefix, names[i]);
        argv[3 + i].len = p - argv[3 + i].data;
    }

    return 7;
}
