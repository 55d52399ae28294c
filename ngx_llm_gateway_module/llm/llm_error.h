
/*
 * The gateway's own errors, in the shape of the client's protocol.
 */


#ifndef _LLM_ERROR_H_INCLUDED_
#define _LLM_ERROR_H_INCLUDED_


#include "llm_base.h"
#include "llm_endpoint.h"


/* code, its name, HTTP status */

#define LLM_ERROR_MAP(E)                                                      \
    E(INVALID_API_KEY,       invalid_api_key,       401)                      \
    E(EXPIRED_API_KEY,       expired_api_key,       401)                      \
    E(KEY_DISABLED,          key_disabled,          403)                      \
    E(MODEL_NOT_ALLOWED,     model_not_allowed,     403)                      \
    E(ENDPOINT_NOT_ALLOWED,  endpoint_not_allowed,  403)                      \
    E(ADDRESS_NOT_ALLOWED,   address_not_allowed,   403)                      \
    E(UNKNOWN_ENDPOINT,      unknown_endpoint,      404)                      \
    E(MODEL_NOT_FOUND,       model_not_found,       404)                      \
    E(INVALID_JSON,          invalid_json,          400)                      \
    E(MISSING_PARAMETER,     missing_parameter,     400)                      \
    E(UNSUPPORTED_PARAMETER, unsupported_parameter, 400)                      \
    E(UNTRANSLATABLE,        untranslatable,        400)                      \
    E(REQUEST_TOO_LARGE,     request_too_large,     413)                      \
    E(UNSUPPORTED_MEDIA,     unsupported_media_type, 415)                     \
    E(BUDGET_EXCEEDED,       budget_exceeded,       402)                      \
    E(RATE_LIMIT_EXCEEDED,   rate_limit_exceeded,   429)                      \
    E(CONCURRENCY_EXCEEDED,  concurrency_exceeded,  429)                      \
    E(QUEUE_FULL,            queue_full,            429)                      \
    E(QUEUE_TIMEOUT,         queue_timeout,         429)                      \
    E(NO_ROUTE,              no_route,              503)                      \
    E(PRICE_MISSING,         price_missing,         503)                      \
    E(QUOTA_UNAVAILABLE,     quota_unavailable,     503)                      \
    E(UPSTREAM_ERROR,        upstream_error,        502)                      \
    E(UPSTREAM_TIMEOUT,      upstream_timeout,      504)                      \
    E(INTERNAL_ERROR,        internal_error,        500)                      \
    E(BAD_REQUEST,           bad_request,           400)                      \
    E(KEY_NOT_FOUND,         key_not_found,         404)                      \
    E(KEY_EXISTS,            key_exists,            409)                      \
    E(KEY_READ_ONLY,         key_read_only,         409)                      \
    E(METHOD_NOT_ALLOWED,    method_not_allowed,    405)                      \
    E(ZONE_FULL,             zone_full,             507)

typedef enum {
    LLM_ERROR_NONE = 0,
#define LLM_ERROR_ENUM(e, code, status)  LLM_ERROR_##e,
    LLM_ERROR_MAP(LLM_ERROR_ENUM)
#undef LLM_ERROR_ENUM
    LLM_ERROR_N
} llm_error_e;


typedef struct {
    llm_error_e      code;
    int              status;       /* 0: the code's own */
    llm_str_t        message;
    llm_str_t        param;        /* empty: null */
    llm_str_t        request_id;   /* empty: left out */
    llm_str_t        attempts;     /* raw JSON array, or empty */
    llm_str_t        decision;     /* raw JSON array, or empty */
} llm_error_t;


extern const llm_str_t  llm_error_names[LLM_ERROR_N];    /* [0] empty */

/* the HTTP status: err->status, or the code's own */
int llm_error_status(const llm_error_t *err);

/*
 * Appends the whole body in the protocol's shape:
 *   openai     {"error":{"message","type","param","code"},"request_id",
 *               "attempts","decision"}
 *   anthropic  {"type":"error","error":{"type","message","code","param"},
 *               "request_id","attempts","decision"}
 *   gemini     {"error":{"code":429,"message","status","details":[{"@type":
 *               "type.googleapis.com/google.rpc.ErrorInfo","reason":code,
 *               "domain":"llm-gateway","metadata":{"param"}}]},
 *               "request_id","attempts","decision"}
 */
void llm_error_print(llm_protocol_e protocol, const llm_error_t *err,
    llm_buf_t *out);

/*
 * Appends the explicit end of a stream that broke after its start, framed
 * for the operation: SSE event (of the Responses API "error" and
 * "response.failed", numbered seq + 1 and seq + 2), or what closes a JSON array
 * stream: array is 0 for SSE, else where in the array the stream broke.
 */

#define LLM_ERROR_ARRAY_NEXT   1    /* behind an element */
#define LLM_ERROR_ARRAY_FIRST  2    /* before the opening bracket */

void llm_error_print_event(const llm_op_t *op, unsigned array, int64_t seq,
    const llm_error_t *err, llm_buf_t *out);


#endif /* _LLM_ERROR_H_INCLUDED_ */
