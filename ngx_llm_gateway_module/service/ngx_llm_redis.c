
/*
 * Commands: from the caller to a node, and what their replies mean.
 */


#include "ngx_llm_redis_state.h"

#include <ngx_sha1.h>


/* how often one command may be sent elsewhere */
#define NGX_LLM_REDIS_REDIRECTS  5

/* what stands between the count of words and the hash in a call by hash */
#define NGX_LLM_REDIS_EVALSHA    "$7\r\nEVALSHA\r\n$40\r\n"


static ngx_llm_redis_command_t *ngx_llm_redis_queue(ngx_llm_redis_t *redis,
    ngx_llm_redis_command_t *cmd);
static ngx_int_t ngx_llm_redis_whole(ngx_llm_redis_command_t *cmd);
static ngx_uint_t ngx_llm_redis_is(redisReply *reply, ngx_str_t *word);


/*
 * What Redis answers instead of executing a command when it is not fit to: it
 * was no error of the command.
 */

static ngx_str_t  ngx_llm_redis_refusals[] = {
    ngx_string("READONLY"),       /* became a replica */
    ngx_string("LOADING"),
    ngx_string("MASTERDOWN"),
    ngx_string("CLUSTERDOWN"),
    ngx_string("BUSY"),           /* with a script of somebody's */
    ngx_string("OOM"),
    ngx_string("MISCONF"),        /* cannot persist */
    ngx_string("NOREPLICAS"),
    ngx_string("NOAUTH"),
    ngx_null_string
};


/* and what a cluster answers for a slot that is elsewhere, or under way */

static ngx_str_t  ngx_llm_redis_redirections[] = {
    ngx_string("MOVED"),
    ngx_string("ASK"),
    ngx_string("TRYAGAIN"),
    ngx_null_string
};


void
ngx_llm_redis_script_init(ngx_llm_redis_script_t *script)
{
    u_char      digest[20];
    ngx_sha1_t  sha1;

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, script->text.data, script->text.len);
    ngx_sha1_final(digest, &sha1);

    ngx_hex_dump(script->sha, digest, sizeof(digest));
}


ngx_llm_redis_t *
ngx_llm_redis_start(ngx_cycle_t *cycle, ngx_llm_redis_conf_t *conf,
    ngx_llm_redis_ready_pt ready, void *data)
{
    ngx_addr_t       *addr;
    ngx_uint_t        i, n;
    ngx_llm_redis_t  *redis;

    redis = ngx_pcalloc(cycle->pool, sizeof(ngx_llm_redis_t));
    if (redis == NULL) {
        return NULL;
    }

    redis->conf = conf;
    redis->ready = ready;
    redis->data = data;
    redis->log = cycle->log;

    if (conf->sentinel.len) {

        if (ngx_llm_redis_sentinel_init(redis, cycle) != NGX_OK) {
            return NULL;
        }

    } else {
        addr = conf->addrs.elts;
        n = conf->cluster ? conf->addrs.nelts : 1;

        for (i = 0; i < n; i++) {

            redis->nodes[i] = ngx_llm_redis_node_create(redis,
                                              addr[i].sockaddr,
                                              addr[i].socklen);
            if (redis->nodes[i] == NULL) {
                return NULL;
            }

            redis->nodes[i]->seed = 1;
            redis->nnodes++;
        }
    }

    if (conf->cluster
        && ngx_llm_redis_cluster_init(redis, cycle) != NGX_OK)
    {
        return NULL;
    }

    /* a worker that starts has looked at the clock some time ago */

    ngx_time_update();
    ngx_llm_redis_node_connect(redis->nodes[0]);

    return redis;
}


void
ngx_llm_redis_stop(ngx_llm_redis_t *redis)
{
    ngx_uint_t  i;

    redis->stopped = 1;

    if (redis->learn.timer_set) {
        ngx_del_timer(&redis->learn);
    }

    for (i = 0; i < redis->nsentinels; i++) {
        ngx_llm_redis_node_free(redis->sentinels[i]);
    }

    for (i = 0; i < redis->nnodes; i++) {
        if (redis->nodes[i]) {
            ngx_llm_redis_node_free(redis->nodes[i]);
            redis->nodes[i] = NULL;
        }
    }

    redis->nnodes = 0;
}


ngx_llm_redis_command_t *
ngx_llm_redis_command(ngx_llm_redis_t *redis, ngx_str_t *key, ngx_str_t *argv,
    ngx_uint_t argc, ngx_llm_redis_handler_pt handler, void *data)
{
    ngx_llm_redis_command_t  *cmd;

    if (!ngx_llm_redis_available(redis)) {
        return NULL;
    }

    cmd = ngx_llm_redis_create(redis, argv, argc, handler, data);
    if (cmd == NULL) {
        return NULL;
    }

    if (key && redis->conf->cluster) {
        cmd->slot = ngx_llm_redis_cluster_slot(key);
    }

    return ngx_llm_redis_queue(redis, cmd);
}


ngx_llm_redis_command_t *
ngx_llm_redis_eval(ngx_llm_redis_t *redis, ngx_llm_redis_script_t *script,
    ngx_str_t *argv, ngx_uint_t argc, ngx_llm_redis_handler_pt handler,
    void *data)
{
    ngx_llm_redis_command_t  *cmd;

    if (!ngx_llm_redis_available(redis)) {
        return NULL;
    }

    ngx_str_set(&argv[0], "EVALSHA");
    argv[1].len = sizeof(script->sha);
    argv[1].data = script->sha;

    cmd = ngx_llm_redis_create(redis, argv, argc, handler, data);
    if (cmd == NULL) {
        return NULL;
    }

    cmd->script = script;

    if (redis->conf->cluster) {
        cmd->slot = ngx_llm_redis_cluster_slot(&argv[3]);
    }

    return ngx_llm_redis_queue(redis, cmd);
}


static ngx_llm_redis_command_t *
ngx_llm_redis_queue(ngx_llm_redis_t *redis, ngx_llm_redis_command_t *cmd)
{
    ngx_llm_redis_node_t  *node;

    node = redis->conf->cluster
           ? ngx_llm_redis_cluster_node(redis, cmd->slot)
           : redis->nodes[0];

    if (node == NULL || ngx_llm_redis_node_push(node, cmd) != NGX_OK) {
        cmd->handler = NULL;
        ngx_llm_redis_end(cmd, NGX_DECLINED, NULL);
        return NULL;
    }

    return cmd;
}


void
ngx_llm_redis_forget(ngx_llm_redis_command_t *cmd)
{
    cmd->handler = NULL;
}


ngx_uint_t
ngx_llm_redis_available(ngx_llm_redis_t *redis)
{
    ngx_uint_t  i;

    if (redis->stopped) {
        return 0;
    }

    for (i = 0; i < redis->nnodes; i++) {
        if (redis->nodes[i] && ngx_llm_redis_node_takes(redis->nodes[i])) {
            return 1;
        }
    }

    return 0;
}


ngx_llm_redis_command_t *
ngx_llm_redis_create(ngx_llm_redis_t *redis, ngx_str_t *argv, ngx_uint_t argc,
    ngx_llm_redis_handler_pt handler, void *data)
{
    size_t                   *len;
    long long                 n;
    ngx_uint_t                i;
    const char              **word;
    ngx_llm_redis_command_t  *cmd;

    word = ngx_alloc(argc * (sizeof(char *) + sizeof(size_t)), redis->log);
    if (word == NULL) {
        return NULL;
    }

    len = (size_t *) (word + argc);

    for (i = 0; i < argc; i++) {
        word[i] = (const char *) argv[i].data;
        len[i] = argv[i].len;
    }

    cmd = ngx_calloc(sizeof(ngx_llm_redis_command_t), redis->log);

    if (cmd) {

        /* an int in hiredis 0.14, more in 1.x */

        n = redisFormatCommandArgv(&cmd->text, (int) argc, word, len);

        if (n < 0) {
            ngx_free(cmd);
            cmd = NULL;

        } else {
            cmd->len = (size_t) n;
            cmd->redis = redis;
            cmd->handler = handler;
            cmd->data = data;
            cmd->slot = NGX_LLM_REDIS_SLOT_ANY;
            cmd->deadline = ngx_current_msec + redis->conf->timeout;
        }
    }

    ngx_free(word);

    return cmd;
}


void
ngx_llm_redis_end(ngx_llm_redis_command_t *cmd, ngx_int_t rc,
    redisReply *reply)
{
    void                      *data;
    ngx_llm_redis_handler_pt   handler;

    data = cmd->data;
    handler = cmd->handler;

    redisFreeCommand(cmd->text);
    ngx_free(cmd);

    if (handler) {
        handler(data, rc, reply);
    }
}


/*
 * A command that is to be sent once more keeps its deadline, and the caller
 * sees one command.  Of a node that turned out to be unfit nothing more is
 * expected: it is closed, after this command was told, by its caller.
 */

void
ngx_llm_redis_replied(ngx_llm_redis_node_t *node,
    ngx_llm_redis_command_t *cmd, redisReply *reply)
{
    ngx_llm_redis_t  *redis;

    redis = node->redis;

    if (reply->type != REDIS_REPLY_ERROR) {
        node->fails = 0;
        ngx_llm_redis_end(cmd, NGX_OK, reply);
        return;
    }

    if (ngx_strncmp(reply->str, "NOSCRIPT", 8) == 0
        && cmd->script && !cmd->whole)
    {
        if (ngx_llm_redis_whole(cmd) != NGX_OK
            || ngx_llm_redis_node_push(node, cmd) != NGX_OK)
        {
            ngx_llm_redis_end(cmd, NGX_DECLINED, NULL);
        }

        return;
    }

    if (ngx_llm_redis_is(reply, ngx_llm_redis_redirections)) {

        if (redis->conf->cluster) {

            if (cmd->redirects++ < NGX_LLM_REDIS_REDIRECTS
                && ngx_llm_redis_cluster_redirect(node, cmd, reply) == NGX_OK)
            {
                return;
            }

            ngx_llm_redis_end(cmd, NGX_DECLINED, NULL);
            return;
        }

        ngx_llm_redis_end(cmd, NGX_DECLINED, NULL);
        ngx_llm_redis_node_close(node, "it is part of a cluster, which needs "
                                 "\"cluster=on\"");
        return;
    }

    if (ngx_llm_redis_is(reply, ngx_llm_redis_refusals)) {
        ngx_llm_redis_end(cmd, NGX_DECLINED, NULL);
        ngx_llm_redis_node_close(node, reply->str);
        return;
    }

    ngx_log_error(NGX_LOG_ERR, &node->log, 0, "redis error: \"%s\"",
                  reply->str);

    ngx_llm_redis_end(cmd, NGX_ERROR, reply);
}


/* "EVALSHA hash ..." to "EVAL text ...", the rest as it was */

static ngx_int_t
ngx_llm_redis_whole(ngx_llm_redis_command_t *cmd)
{
    char       *rest;
    size_t      len;
    u_char     *p, *text;
    ngx_str_t  *script;

    script = &cmd->script->text;

    /* behind the count of words, which stays, and the first two */

    rest = strchr(cmd->text, '\n') + 1;
    len = rest - cmd->text;
    rest += sizeof(NGX_LLM_REDIS_EVALSHA) - 1 + sizeof(cmd->script->sha) + 2;

    /* hiredis frees it by free(), and so it does with what malloc() gave */

    text = malloc(len + sizeof("$4\r\nEVAL\r\n$\r\n\r\n") + NGX_SIZE_T_LEN
                  + script->len + cmd->len - (rest - cmd->text));
    if (text == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(text, cmd->text, len);
    p = ngx_sprintf(p, "$4\r\nEVAL\r\n$%uz\r\n%V\r\n", script->len, script);
    p = ngx_cpymem(p, rest, cmd->len - (rest - cmd->text));

    redisFreeCommand(cmd->text);

    cmd->text = (char *) text;
    cmd->len = p - text;
    cmd->whole = 1;

    return NGX_OK;
}


static ngx_uint_t
ngx_llm_redis_is(redisReply *reply, ngx_str_t *word)
{
    for ( /* void */ ; word->len; word++) {

        if (ngx_strncmp(reply->str, word->data, word->len) == 0
            && (reply->str[word->len] == ' ' || reply->str[word->len] == '\0'))
        {
            return 1;
        }
    }

    return 0;
}
