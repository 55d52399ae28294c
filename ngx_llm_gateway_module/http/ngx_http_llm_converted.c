
/*
 * Answers to calls that stand for what is no conversation: how they become the
 * client's.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_answer.h"
#include "ngx_http_llm_header.h"
#include "ngx_http_llm_translate.h"


static ngx_int_t ngx_http_llm_converted_fault(ngx_http_llm_answer_t *an);
static ngx_int_t ngx_http_llm_converted_signed(ngx_http_llm_answer_t *an,
    llm_convert_answer_t *answer);
static ngx_int_t ngx_http_llm_converted_location(ngx_http_llm_answer_t *an,
    ngx_str_t *value);
static ngx_uint_t ngx_http_llm_converted_leaks(ngx_http_llm_answer_t *an,
    ngx_str_t *value);


ngx_int_t
ngx_http_llm_converted_answer(ngx_http_llm_answer_t *an)
{
    int                      rc;
    llm_str_t                text;
    ngx_str_t                location;
    ngx_http_upstream_t     *u;
    llm_convert_answer_t     answer;
    ngx_http_llm_convert_t  *c;

    c = an->at->convert;
    u = an->request->upstream;

    if (ngx_http_llm_rewrite_gather(an, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = llm_convert_answer(c->convert, &text, &answer);

    if (rc == LLM_DECLINED) {
        return ngx_http_llm_converted_fault(an);
    }

    if (rc != LLM_OK) {
        return ngx_http_llm_rewrite_failed(an, rc);
    }

    if (answer.again) {
        c->again = 1;
        return NGX_DONE;
    }

    ngx_http_llm_str_set(&c->type, &answer.type);
    u->headers_in.status_n = answer.status;
    ngx_str_null(&u->headers_in.status_line);

    if (answer.location.len) {
        ngx_http_llm_str_set(&location, &answer.location);

        if (ngx_http_llm_converted_location(an, &location) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_http_llm_converted_signed(an, &answer);
}


/*
 * The provider's error in a good answer.  That a prompt breaks its rules, or
 * that there is no such thing, is the caller's own: the client hears of it.
 */

static ngx_int_t
ngx_http_llm_converted_fault(ngx_http_llm_answer_t *an)
{
    llm_buf_t                out;
    llm_fault_t              fault;
    ngx_http_llm_ctx_t      *ctx;
    ngx_http_upstream_t     *u;
    ngx_http_llm_attempt_t  *at;

    at = an->at;
    ctx = at->ctx;
    u = an->request->upstream;

    fault = *llm_convert_fault(at->convert->convert);

    if (fault.fault != LLM_FAULT_POLICY && fault.fault != LLM_FAULT_NOT_FOUND)
    {
        return ngx_http_llm_rewrite_failed(an, LLM_DECLINED);
    }

    at->failure = LLM_FAILURE_CALLER;
    at->error = "it answered with an error";

    llm_buf_init(&out, &ctx->arena);

    llm_fault_print(ctx->target.op, &fault, ngx_http_llm_pure(&ctx->id),
                    &out);

    ngx_str_set(&at->convert->type, "application/json");
    u->headers_in.status_n = fault.status;
    ngx_str_null(&u->headers_in.status_line);

    return ngx_http_llm_rewrite_replace(an, &out);
}


/* what is held becomes the answer, and its id gets a signature */

static ngx_int_t
ngx_http_llm_converted_signed(ngx_http_llm_answer_t *an,
    llm_convert_answer_t *answer)
{
    u_char     *sig;
    llm_buf_t   head;

    head = answer->body;

    if (answer->sign == 0) {
        return ngx_http_llm_rewrite_replace(an, &head);
    }

    sig = ngx_pnalloc(an->request->pool, NGX_HTTP_LLM_SIGN_LEN);

    if (sig == NULL
        || ngx_http_llm_sign(an->at->ctx, an->at->route, &answer->id, sig)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    head.len = answer->sign;

    if (ngx_http_llm_rewrite_replace(an, &head) != NGX_OK
        || ngx_http_llm_piece_append(an, sig, NGX_HTTP_LLM_SIGN_LEN)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_llm_piece_append(an, answer->body.data + answer->sign,
                                      answer->body.len - answer->sign);
}


static ngx_int_t
ngx_http_llm_converted_location(ngx_http_llm_answer_t *an, ngx_str_t *value)
{
    return ngx_http_llm_header_add(an->request->upstream, "Location",
                                   "location", value)
           ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_llm_converted_redirect(ngx_http_llm_answer_t *an)
{
    ngx_str_t                   location;
    ngx_table_elt_t            *h;
    ngx_http_upstream_t        *u;
    ngx_http_llm_header_walk_t  walk;

    u = an->request->upstream;

    ngx_str_null(&location);

    for (h = ngx_http_llm_header_first(&walk, &u->headers_in.headers);
         h;
         h = ngx_http_llm_header_next(&walk))
    {
        if (h->key.len == sizeof("location") - 1
            && ngx_memcmp(h->lowcase_key, "location",
                          sizeof("location") - 1)
               == 0)
        {
            location = h->value;
        }

        h->hash = 0;
    }

    if (location.len < sizeof("https://")
        || (ngx_strncasecmp(location.data, (u_char *) "https://", 8) != 0
            && ngx_strncasecmp(location.data, (u_char *) "http://", 7) != 0)
        || ngx_http_llm_converted_leaks(an, &location))
    {
        return NGX_DECLINED;
    }

    u->headers_in.content_type = NULL;
    u->headers_in.content_length_n = 0;
    u->headers_in.status_line.len = 0;

    ngx_http_llm_rewrite_cut(an);
    an->no_body = 1;

    return ngx_http_llm_converted_location(an, &location);
}


/* whether a text for the client holds our key: what was given to nobody but
   the provider may come back from it */

static ngx_uint_t
ngx_http_llm_converted_leaks(ngx_http_llm_answer_t *an, ngx_str_t *value)
{
    u_char     *p, *last;
    ngx_str_t  *key;

    key = &an->at->route->provider->api_key;

    if (key->len == 0 || key->len > value->len) {
        return 0;
    }

    last = value->data + value->len - key->len;

    for (p = value->data; p <= last; p++) {
        if (ngx_memcmp(p, key->data, key->len) == 0) {
            return 1;
        }
    }

    return 0;
}
