
/*
 * What goes before the first command: TLS, AUTH, SELECT, a name for CLIENT
 * LIST, and a question whether the server is fit to be asked.
 */


#include "ngx_llm_redis_state.h"
#include "ngx_llm_tls.h"


static ngx_int_t ngx_llm_redis_setup_tls(ngx_llm_redis_node_t *node);
static void ngx_llm_redis_setup_tls_handler(ngx_connection_t *c);
static void ngx_llm_redis_setup_send(ngx_llm_redis_node_t *node);
static ngx_int_t ngx_llm_redis_setup_commands(ngx_llm_redis_node_t *node);
static ngx_int_t ngx_llm_redis_setup_command(ngx_llm_redis_node_t *node,
    int argc, const char *name, ngx_str_t *first, ngx_str_t *second);
static ngx_llm_redis_setup_e ngx_llm_redis_setup_next(
    ngx_llm_redis_node_t *node, ngx_uint_t step);
static ngx_uint_t ngx_llm_redis_setup_master(redisReply *reply);


void
ngx_llm_redis_setup(ngx_llm_redis_node_t *node)
{
    if (node->redis->conf->ssl == NULL) {
        ngx_llm_redis_setup_send(node);
        return;
    }

    if (ngx_llm_redis_setup_tls(node) != NGX_OK) {
        ngx_llm_redis_node_close(node, "TLS cannot be set up");
    }
}


static ngx_int_t
ngx_llm_redis_setup_tls(ngx_llm_redis_node_t *node)
{
    ngx_connection_t      *c;
    ngx_llm_redis_conf_t  *conf;

    c = node->connection;
    conf = node->redis->conf;

    node->state = NGX_LLM_REDIS_TLS;
    node->log.action = "SSL handshaking to redis";

    if (ngx_ssl_create_connection(conf->ssl, c, NGX_SSL_BUFFER|NGX_SSL_CLIENT)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_llm_tls_server_name(c, &conf->tls_name) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_ssl_handshake(c) == NGX_AGAIN) {
        c->ssl->handler = ngx_llm_redis_setup_tls_handler;
        return NGX_OK;
    }

    ngx_llm_redis_setup_tls_handler(c);

    return NGX_OK;
}


static void
ngx_llm_redis_setup_tls_handler(ngx_connection_t *c)
{
    const char            *reason;
    ngx_llm_redis_conf_t  *conf;
    ngx_llm_redis_node_t  *node;

    node = c->data;
    conf = node->redis->conf;

    c->read->handler = ngx_llm_redis_node_read_handler;

    if (!c->ssl->handshaked) {
        ngx_llm_redis_node_close(node, "TLS handshake failed");
        return;
    }

    if (conf->tls_verify) {

        reason = ngx_llm_tls_verify(c, &conf->tls_name);

        if (reason) {
            ngx_llm_redis_node_close(node, reason);
            return;
        }
    }

    ngx_llm_redis_setup_send(node);
}


static void
ngx_llm_redis_setup_send(ngx_llm_redis_node_t *node)
{
    ngx_connection_t  *c;

    node->log.action = "setting up redis";

    if (ngx_llm_redis_setup_commands(node) != NGX_OK) {
        ngx_llm_redis_node_close(node, "no memory");
        return;
    }

    c = node->connection;

    node->state = NGX_LLM_REDIS_SETUP;
    node->setup = ngx_llm_redis_setup_next(node, NGX_LLM_REDIS_SETUP_AUTH);

    ngx_llm_redis_node_flush(node);

    /* the handshake may have read what came behind it */

    if (node->connection == c && c->read->ready) {
        ngx_post_event(c->read, &ngx_posted_events);
    }
}


static ngx_int_t
ngx_llm_redis_setup_commands(ngx_llm_redis_node_t *node)
{
    u_char                 text[NGX_INT_T_LEN];
    ngx_int_t              rc;
    ngx_str_t              word, user;
    ngx_uint_t             step;
    ngx_llm_redis_conf_t  *conf;

    conf = node->redis->conf;
    step = NGX_LLM_REDIS_SETUP_AUTH;

    for ( ;; ) {

        switch (ngx_llm_redis_setup_next(node, step)) {

        case NGX_LLM_REDIS_SETUP_AUTH:

            /* servers before Redis 6 know no users */

            user = conf->user;
            rc = user.len
                 ? ngx_llm_redis_setup_command(node, 3, "AUTH", &user,
                                               &conf->password)
                 : ngx_llm_redis_setup_command(node, 2, "AUTH",
                                               &conf->password, NULL);
            step = NGX_LLM_REDIS_SETUP_SELECT;
            break;

        case NGX_LLM_REDIS_SETUP_SELECT:
            word.data = text;
            word.len = ngx_sprintf(text, "%ui", conf->db) - text;
            rc = ngx_llm_redis_setup_command(node, 2, "SELECT", &word, NULL);
            step = NGX_LLM_REDIS_SETUP_NAME;
            break;

        case NGX_LLM_REDIS_SETUP_NAME:
            ngx_str_set(&user, "SETNAME");
            ngx_str_set(&word, "nginx-llm-gateway");
            rc = ngx_llm_redis_setup_command(node, 3, "CLIENT", &user, &word);
            step = NGX_LLM_REDIS_SETUP_PING;
            break;

        case NGX_LLM_REDIS_SETUP_PING:
            rc = ngx_llm_redis_setup_command(node, 1, "PING", NULL, NULL);
            step = NGX_LLM_REDIS_SETUP_ROLE;
            break;

        case NGX_LLM_REDIS_SETUP_ROLE:
            rc = ngx_llm_redis_setup_command(node, 1, "ROLE", NULL, NULL);
            step = NGX_LLM_REDIS_SETUP_DONE;
            break;

        default: /* NGX_LLM_REDIS_SETUP_DONE */
            return NGX_OK;
        }

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }
}


static ngx_int_t
ngx_llm_redis_setup_command(ngx_llm_redis_node_t *node, int argc,
    const char *name, ngx_str_t *first, ngx_str_t *second)
{
    char        *text;
    size_t       len[3];
    long long    n;
    ngx_int_t    rc;
    const char  *argv[3];

    argv[0] = name;
    len[0] = ngx_strlen(name);

    if (first) {
        argv[1] = (const char *) first->data;
        len[1] = first->len;
    }

    if (second) {
        argv[2] = (const char *) second->data;
        len[2] = second->len;
    }

    n = redisFormatCommandArgv(&text, argc, argv, len);

    if (n < 0) {
        return NGX_ERROR;
    }

    rc = ngx_llm_redis_node_out(node, text, (size_t) n);

    ngx_explicit_memzero(text, (size_t) n);
    redisFreeCommand(text);

    return rc;
}


/* this step, or the first behind it that this server needs */

static ngx_llm_redis_setup_e
ngx_llm_redis_setup_next(ngx_llm_redis_node_t *node, ngx_uint_t step)
{
    ngx_llm_redis_conf_t  *conf;

    conf = node->redis->conf;

    if (step == NGX_LLM_REDIS_SETUP_AUTH
        && (conf->password.len == 0 || node->sentinel))
    {
        step++;
    }

    if (step == NGX_LLM_REDIS_SETUP_SELECT
        && (conf->db == 0 || node->sentinel))
    {
        step++;
    }

    if (step == NGX_LLM_REDIS_SETUP_ROLE
        && (conf->sentinel.len == 0 || node->sentinel))
    {
        step++;
    }

    return step;
}


const char *
ngx_llm_redis_setup_reply(ngx_llm_redis_node_t *node, redisReply *reply)
{
    ngx_uint_t             error;
    ngx_llm_redis_setup_e  step;

    step = node->setup;
    error = (reply->type == REDIS_REPLY_ERROR);

    node->setup = ngx_llm_redis_setup_next(node, step + 1);

    switch (step) {

    case NGX_LLM_REDIS_SETUP_AUTH:

        /* Redis's own words name the user at most */

        if (error) {
            ngx_log_error(NGX_LOG_CRIT, &node->log, 0,
                          "redis refused user and password: \"%s\"",
                          reply->str);
            return "authentication failed";
        }

        break;

    case NGX_LLM_REDIS_SETUP_SELECT:

        if (error) {
            return "database cannot be selected";
        }

        break;

    case NGX_LLM_REDIS_SETUP_PING:

        /* a user that may not PING may still run scripts */

        if (!error || ngx_strncmp(reply->str, "NOPERM", 6) == 0) {
            break;
        }

        if (ngx_strncmp(reply->str, "NOAUTH", 6) == 0) {
            ngx_log_error(NGX_LOG_CRIT, &node->log, 0,
                          "redis wants a password");
            return "authentication is required";
        }

        return ngx_strncmp(reply->str, "LOADING", 7) == 0
               ? "it is loading" : "it is not fit";

    case NGX_LLM_REDIS_SETUP_ROLE:

        if (!ngx_llm_redis_setup_master(reply)) {
            return "it is no master";
        }

        break;

    default: /* NGX_LLM_REDIS_SETUP_NAME: it does without */
        break;
    }

    return NULL;
}


static ngx_uint_t
ngx_llm_redis_setup_master(redisReply *reply)
{
    return reply->type == REDIS_REPLY_ARRAY
           && reply->elements > 0
           && reply->element[0]->type == REDIS_REPLY_STRING
           && ngx_strcmp(reply->element[0]->str, "master") == 0;
}
