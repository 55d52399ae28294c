
/*
 * Bufs of an answer on its way to the client: slices of what was read, and
 * copies of it.  What was sent comes back in u->free_bufs and is used again,
 * so that a stream of any length takes little memory.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_answer.h"


ngx_int_t
ngx_http_llm_piece_append(ngx_http_llm_answer_t *an, u_char *data, size_t len)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    if (len == 0) {
        return NGX_OK;
    }

    cl = ngx_http_llm_piece_get(an, 0);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    b = cl->buf;

    b->memory = 1;
    b->pos = data;
    b->last = data + len;

    *an->held_last = cl;
    an->held_last = &cl->next;
    an->held_size += len;

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_piece_copy(ngx_http_llm_answer_t *an, u_char *data, size_t len)
{
    size_t        size;
    ngx_chain_t  *cl;

    if (len == 0) {
        return NGX_OK;
    }

    size = 1024;

    while (size < len) {
        size *= 2;
    }

    cl = ngx_http_llm_piece_get(an, size);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    cl->buf->last = ngx_cpymem(cl->buf->last, data, len);

    *an->held_last = cl;
    an->held_last = &cl->next;
    an->held_size += len;

    return NGX_OK;
}


ngx_chain_t *
ngx_http_llm_piece_get(ngx_http_llm_answer_t *an, size_t size)
{
    ngx_buf_t             *b;
    ngx_chain_t           *cl, **ll;
    ngx_http_request_t    *r;
    ngx_http_upstream_t   *u;

    r = an->request;
    u = r->upstream;

    for (ll = &u->free_bufs; *ll; ll = &(*ll)->next) {

        b = (*ll)->buf;

        if (size ? (b->start && (size_t) (b->end - b->start) >= size)
                 : b->start == NULL)
        {
            cl = *ll;
            *ll = cl->next;
            cl->next = NULL;
            return cl;
        }
    }

    cl = ngx_alloc_chain_link(r->pool);
    if (cl == NULL) {
        return NULL;
    }

    cl->next = NULL;

    b = size ? ngx_create_temp_buf(r->pool, size) : ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NULL;
    }

    b->tag = u->output.tag;
    b->flush = 1;

    cl->buf = b;

    return cl;
}


void
ngx_http_llm_piece_free(ngx_http_llm_answer_t *an, ngx_chain_t *cl)
{
    ngx_http_upstream_t  *u;

    u = an->request->upstream;

    cl->buf->pos = cl->buf->last = cl->buf->start;

    cl->next = u->free_bufs;
    u->free_bufs = cl;
}
