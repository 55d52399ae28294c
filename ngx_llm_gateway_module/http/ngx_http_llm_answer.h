
/*
 * The parts of an answer that its files share: _head.c parses, _answer.c
 * decides and ends, _stream.c passes bytes on.
 */


#ifndef _NGX_HTTP_LLM_ANSWER_H_INCLUDED_
#define _NGX_HTTP_LLM_ANSWER_H_INCLUDED_


#include "llm_ending.h"
#include "llm_sse.h"
#include "ngx_http_llm_module.h"


/* a JSON answer is held up to this before it is passed on unread, bytes */
#define NGX_HTTP_LLM_MAX_HELD   (8 * 1024 * 1024)

/* the same of one that is converted, which must be whole: audio, images */
#define NGX_HTTP_LLM_MAX_CONVERTED  (32 * 1024 * 1024)

/* an error's body is held up to this before it is judged, bytes */
#define NGX_HTTP_LLM_MAX_ERROR  65536

/* a stream's beginning is held until its first content up to this, bytes */
#define NGX_HTTP_LLM_MAX_EARLY  (1024 * 1024)

/* the unfinished event at the end of a read is held up to this, bytes */
#define NGX_HTTP_LLM_MAX_EVENT  65536

/* as many interim answers (1xx) may come before the real one */
#define NGX_HTTP_LLM_MAX_INTERIM  32

/* the largest piece that an answer under the gate is read into, bytes */
#define NGX_HTTP_LLM_MAX_PIECE  65536


typedef struct {
    ngx_http_llm_attempt_t    *at;
    ngx_http_request_t        *request;     /* the subrequest */

    ngx_http_status_t          line;        /* parser of the status line */
    ngx_uint_t                 interim;     /* answers so far */
    ngx_http_chunked_t         chunks;      /* parser of chunks */

    llm_answer_t              *reader;
    llm_answer_e               kind;
    int                        end_rc;      /* llm_answer_end(), once called */

    off_t                      rest;        /* of Content-Length; -1: unknown */
    u_char                    *piece;       /* the last read, in u->buffer */

    ngx_chain_t               *held;        /* ready to be sent */
    ngx_chain_t              **held_last;
    off_t                      held_size;

    ngx_chain_t               *tail;        /* the unfinished event */
    size_t                     passed;      /* bytes of it that went on */

    ngx_event_free_peer_pt     peer_free;   /* the balancer's own */

    llm_str_t                  signed_id;   /* the id last signed */
    u_char                    *signature;

    /* of streams that limits may end */
    llm_ending_t              *ending;      /* NULL: it is translated */
    llm_buf_t                  end;         /* the end, ready to be sent */
    llm_usage_t                used;        /* by now, when it ended */
    uint64_t                   guard_text;  /* bytes of text up to which, */
    unsigned                   guard_told;  /* and while no other usage is told,
                                               nobody need look */

    /* of answers that are translated, and of such streams: all used again for
       each event */
    llm_buf_t                  out;         /* what the client gets for it, or
                                               the event in one piece */
    llm_buf_t                  data;        /* its data, if in many lines */
    u_char                     name[LLM_SSE_MAX_NAME];
    ngx_str_t                  error_type;  /* x-amzn-errortype, or empty */

    unsigned                   line_done:1;   /* the status line is read */
    unsigned                   head_done:1;
    unsigned                   chunked:1;
    unsigned                   length:1;    /* Content-Length was told */
    unsigned                   encoded:1;   /* Content-Encoding: unreadable */
    unsigned                   no_body:1;
    unsigned                   complete:1;  /* the body's last byte came */
    unsigned                   extra:1;     /* bytes behind it */
    unsigned                   ended:1;     /* the reader was told of the end */
    unsigned                   gathered:1;  /* all of it is held */
    unsigned                   primed:1;    /* what was held went on */
    unsigned                   skip_lf:1;   /* of the hidden event's CRLF */
    unsigned                   guarded:1;   /* limits may end it, */
    unsigned                   stopped:1;   /* and did, or it made no sense:
                                               what follows is dropped */
    unsigned                   kept:1;      /* an error, given up for another
                                               rung: it may still be sent */
} ngx_http_llm_answer_t;


/* whether it is a stream of events, in whichever frame */
#define ngx_http_llm_answer_streams(an)                                       \
    ((an)->kind == LLM_ANSWER_SSE || (an)->kind == LLM_ANSWER_ARRAY           \
     || (an)->kind == LLM_ANSWER_EVENTSTREAM)


/* _head.c */

/*
 * Parses status line and headers from u->buffer.  NGX_OK: u->buffer.pos is
 * at the body, framing is known; NGX_AGAIN; NGX_DECLINED: no valid HTTP, and
 * at->error says why; NGX_ERROR.
 */
ngx_int_t ngx_http_llm_head_parse(ngx_http_request_t *r,
    ngx_http_llm_answer_t *an);


/* what kind of answer the head announces */
llm_answer_e ngx_http_llm_head_kind(ngx_http_llm_answer_t *an);


/* _stream.c */

/*
 * Takes raw body bytes, without their chunk framing, and appends to the held
 * chain what may go to the client: whole events of streams, with ids signed
 * and the usage chunk taken out, or the bytes as they are.  Sets complete,
 * rest.  NGX_OK, NGX_DECLINED: framing is broken, NGX_ERROR.
 */
ngx_int_t ngx_http_llm_stream_bytes(ngx_http_llm_answer_t *an, u_char *data,
    size_t len);

/* the body is over: tells the reader, and lets a last event go if the stream
   ended well */
ngx_int_t ngx_http_llm_stream_end(ngx_http_llm_answer_t *an);

/* puts signatures into a gathered JSON body */
ngx_int_t ngx_http_llm_stream_sign(ngx_http_llm_answer_t *an);

/* the signature of an id of this answer; NULL without memory */
u_char *ngx_http_llm_stream_signature(ngx_http_llm_answer_t *an,
    const llm_str_t *id);


/* _piece.c */

/* appends to the held chain: memory that stays, or a copy of it */
ngx_int_t ngx_http_llm_piece_append(ngx_http_llm_answer_t *an, u_char *data,
    size_t len);
ngx_int_t ngx_http_llm_piece_copy(ngx_http_llm_answer_t *an, u_char *data,
    size_t len);
/*
 * A buf for a slice of other memory (size 0), or one with memory of its own.
 * Both kinds come back in u->free_bufs; they differ in b->start.  NULL without
 * memory.
 */
ngx_chain_t *ngx_http_llm_piece_get(ngx_http_llm_answer_t *an, size_t size);
/* gives back a buf that was not sent: its memory is used again */
void ngx_http_llm_piece_free(ngx_http_llm_answer_t *an, ngx_chain_t *cl);


/* _ending.c */

/* the head is read: is it a stream that limits may end?  NGX_OK, NGX_ERROR */
ngx_int_t ngx_http_llm_ending_init(ngx_http_llm_answer_t *an);
/*
 * With an->guarded, for each whole event before it is passed on: the end of
 * it, the rest is in the tail.  NGX_BUSY: the stream is to end behind it.
 */
ngx_int_t ngx_http_llm_ending_look(ngx_http_llm_answer_t *an, u_char *data,
    size_t len);
/* ends it */
ngx_int_t ngx_http_llm_ending_send(ngx_http_llm_answer_t *an);


/* _rewrite.c */

/* name and data of an event as it is framed; NGX_DECLINED: it has none */
ngx_int_t ngx_http_llm_rewrite_data(ngx_http_llm_answer_t *an, u_char *event,
    size_t len, llm_str_t *name, llm_str_t *data);

/* the others with an->at->translate, or an->at->convert, only */

/*
 * Appends what a whole event, as it is framed, is for the client.  NGX_OK;
 * NGX_DECLINED: it makes no sense or is an error, at->error tells; NGX_ERROR.
 */
ngx_int_t ngx_http_llm_rewrite_event(ngx_http_llm_answer_t *an, u_char *event,
    size_t len);
/* appends what ends the client's stream; sets end_rc where it was cut */
ngx_int_t ngx_http_llm_rewrite_end(ngx_http_llm_answer_t *an);
/* a gathered JSON answer becomes the client's; NGX_DECLINED as above */
ngx_int_t ngx_http_llm_rewrite_body(ngx_http_llm_answer_t *an);
/* the same for a provider's HTTP error: body and status */
ngx_int_t ngx_http_llm_rewrite_error(ngx_http_llm_answer_t *an);
/* the head that goes with either */
ngx_int_t ngx_http_llm_rewrite_head(ngx_http_llm_answer_t *an);

/* what is held, in one piece */
ngx_int_t ngx_http_llm_rewrite_gather(ngx_http_llm_answer_t *an,
    llm_str_t *text);
/* out is held instead */
ngx_int_t ngx_http_llm_rewrite_replace(ngx_http_llm_answer_t *an,
    llm_buf_t *out);
/* notes why an answer could not be read, by what the pure layer said of it
   (LLM_DECLINED: it is an error); NGX_DECLINED, NGX_ERROR */
ngx_int_t ngx_http_llm_rewrite_failed(ngx_http_llm_answer_t *an, int rc);
/* what is left of a body stays unread */
void ngx_http_llm_rewrite_cut(ngx_http_llm_answer_t *an);


/* _converted.c: with an->at->convert only */

/*
 * A gathered JSON answer becomes the client's, also where it is an error that
 * is the caller's own.  NGX_OK; NGX_DONE: another call must follow;
 * NGX_DECLINED: it makes no sense or is an error, at->error tells; NGX_ERROR.
 */
ngx_int_t ngx_http_llm_converted_answer(ngx_http_llm_answer_t *an);
/* of the answer of such a call, a redirect: status and Location alone are the
   client's.  NGX_OK, NGX_DECLINED, NGX_ERROR */
ngx_int_t ngx_http_llm_converted_redirect(ngx_http_llm_answer_t *an);


/* _verdict.c */

/* usage and cost, as soon as nothing more can come */
void ngx_http_llm_answer_account(ngx_http_llm_answer_t *an);
/*
 * The same for an answer that is whole and goes to the client: what the
 * request holds of its limits is settled before its last byte leaves, so that
 * a client that asks again at once finds it free.
 */
void ngx_http_llm_answer_close(ngx_http_llm_answer_t *an);
/* what the reader took for an error, in our words; the provider's own go to
   at->detail */
const char *ngx_http_llm_answer_told(ngx_http_llm_answer_t *an);


#endif /* _NGX_HTTP_LLM_ANSWER_H_INCLUDED_ */
