
/*
 * AWS Signature Version 4: the canonical request, the string to sign and the
 * headers that prove them.  Digests are the caller's, who has a library for
 * them.
 */


#ifndef _LLM_SIGV4_H_INCLUDED_
#define _LLM_SIGV4_H_INCLUDED_


#include "llm_base.h"


#define LLM_SIGV4_DIGEST       32
#define LLM_SIGV4_MAX_HEADERS  16
#define LLM_SIGV4_MAX_ARGS     64


/* SHA-256, and HMAC with it; LLM_OK, or anything else to give up */

typedef struct {
    int            (*hash)(void *data, const llm_str_t *text,
                           unsigned char *digest);
    int            (*hmac)(void *data, const llm_str_t *key,
                           const llm_str_t *text, unsigned char *digest);
    void            *data;
} llm_sigv4_crypto_t;


typedef struct {
    llm_str_t        name;        /* in lower case */
    llm_str_t        value;
} llm_sigv4_header_t;


typedef struct {
    llm_str_t        method;
    llm_str_t        path;        /* as it is sent, percent-encoded: the model
                                     "a:0" is "/model/a%3A0/converse" */
    llm_str_t        args;        /* the query as it is sent, or empty */
    llm_str_t        payload;     /* SHA-256 of the body that is sent, in lower
                                     case hexadecimal digits */

    const llm_sigv4_header_t  *headers;    /* to be signed: "host" at least */
    unsigned                   nheaders;

    llm_str_t        region;      /* "us-east-1" */
    llm_str_t        service;     /* "bedrock" */
    llm_str_t        access_key;
    llm_str_t        secret_key;
    llm_str_t        session_token;    /* or empty */
    int64_t          time;        /* seconds since the epoch */
} llm_sigv4_t;


/*
 * Appends the headers "x-amz-date", "x-amz-security-token" if there is a
 * session, and "authorization", each with its CRLF; none of them is to be
 * among s->headers.  A signature holds for some minutes around s->time.
 *
 * LLM_OK, LLM_NOMEM, LLM_LIMIT: too many headers or arguments, or LLM_INVALID:
 * no digest could be made.  Nothing is appended but with LLM_OK.
 */
int llm_sigv4_sign(llm_arena_t *arena, const llm_sigv4_t *s,
    const llm_sigv4_crypto_t *crypto, llm_buf_t *out);


#endif /* _LLM_SIGV4_H_INCLUDED_ */
