
/*
 * A provider's error in the words of the client's protocol: by its class, so
 * that what an SDK retries is what may be retried.
 */


#include "llm_translate.h"


/* status, and type, code or status word of each protocol */

typedef struct {
    int              openai;
    const char      *openai_type;
    const char      *openai_code;
    int              anthropic;
    const char      *anthropic_type;
    int              gemini;
    const char      *gemini_status;
} llm_fault_row_t;


static void llm_fault_print_openai(const llm_fault_t *fault,
    const llm_fault_row_t *row, const llm_str_t *request_id, llm_buf_t *out);
static void llm_fault_print_anthropic(const llm_fault_t *fault,
    const llm_fault_row_t *row, const llm_str_t *request_id, llm_buf_t *out);
static void llm_fault_print_gemini(const llm_fault_t *fault,
    const llm_fault_row_t *row, const llm_str_t *request_id, llm_buf_t *out);
static void llm_fault_message(const llm_fault_t *fault, const char *prefix,
    llm_buf_t *out);
static void llm_fault_string(const llm_str_t *s, const char *other,
    llm_buf_t *out);


static const llm_fault_row_t  llm_fault_rows[LLM_FAULT_N] = {

    /* NONE */
    { 502, "server_error", "upstream_error",
      502, "api_error", 502, "UNAVAILABLE" },

    /* INVALID */
    { 400, "invalid_request_error", NULL,
      400, "invalid_request_error", 400, "INVALID_ARGUMENT" },

    /* CONTEXT */
    { 400, "invalid_request_error", "context_length_exceeded",
      400, "invalid_request_error", 400, "INVALID_ARGUMENT" },

    /* POLICY */
    { 400, "invalid_request_error", "content_policy_violation",
      400, "invalid_request_error", 400, "INVALID_ARGUMENT" },

    /* AUTH: the operator's trouble, not that of whoever asks */
    { 502, "server_error", "upstream_error",
      502, "api_error", 502, "UNAVAILABLE" },

    /* PERMISSION */
    { 403, "invalid_request_error", NULL,
      403, "permission_error", 403, "PERMISSION_DENIED" },

    /* NOT_FOUND */
    { 404, "invalid_request_error", "model_not_found",
      404, "not_found_error", 404, "NOT_FOUND" },

    /* TOO_LARGE */
    { 413, "invalid_request_error", NULL,
      413, "request_too_large", 413, "INVALID_ARGUMENT" },

    /* QUOTA */
    { 429, "insufficient_quota", "insufficient_quota",
      402, "billing_error", 429, "RESOURCE_EXHAUSTED" },

    /* RATE */
    { 429, "rate_limit_error", "rate_limit_exceeded",
      429, "rate_limit_error", 429, "RESOURCE_EXHAUSTED" },

    /* OVERLOADED */
    { 503, "server_error", "overloaded",
      529, "overloaded_error", 503, "UNAVAILABLE" },

    /* SERVER */
    { 500, "server_error", "upstream_error",
      500, "api_error", 500, "INTERNAL" },

    /* TIMEOUT */
    { 504, "server_error", "timeout",
      504, "timeout_error", 504, "DEADLINE_EXCEEDED" },

    /* CONFLICT */
    { 409, "invalid_request_error", NULL,
      409, "invalid_request_error", 409, "ABORTED" }
};


void
llm_fault_print(const llm_op_t *client, llm_fault_t *fault,
    const llm_str_t *request_id, llm_buf_t *out)
{
    const llm_fault_row_t  *row;

    row = &llm_fault_rows[fault->fault];

    switch (client->protocol) {

    case LLM_PROTOCOL_ANTHROPIC:
        fault->status = row->anthropic;
        llm_fault_print_anthropic(fault, row, request_id, out);
        break;

    case LLM_PROTOCOL_GEMINI:
        fault->status = row->gemini;
        llm_fault_print_gemini(fault, row, request_id, out);
        break;

    default:
        fault->status = row->openai;
        llm_fault_print_openai(fault, row, request_id, out);
    }
}


const char *
llm_fault_type(llm_fault_e fault)
{
    return llm_fault_rows[fault].openai_type;
}


const char *
llm_fault_code(llm_fault_e fault)
{
    return llm_fault_rows[fault].openai_code;
}


static void
llm_fault_print_openai(const llm_fault_t *fault, const llm_fault_row_t *row,
    const llm_str_t *request_id, llm_buf_t *out)
{
    llm_buf_puts(out, "{\"error\":{\"message\":");
    llm_fault_message(fault, "", out);

    llm_buf_puts(out, ",\"type\":\"");
    llm_buf_puts(out, row->openai_type);

    llm_buf_puts(out, "\",\"param\":");
    llm_fault_string(&fault->param, NULL, out);

    /* what a client acts upon goes before the provider's own code, which is
       told only where it is one of this protocol */

    llm_buf_puts(out, ",\"code\":");

    switch (fault->fault) {

    case LLM_FAULT_CONTEXT:
    case LLM_FAULT_QUOTA:
    case LLM_FAULT_RATE:
    case LLM_FAULT_AUTH:
        llm_buf_puts(out, "\"");
        llm_buf_puts(out, row->openai_code);
        llm_buf_puts(out, "\"");
        break;

    default:
        llm_fault_string(&fault->code, row->openai_code, out);
    }

    llm_buf_puts(out, "}");

    if (request_id->len) {
        llm_buf_puts(out, ",\"request_id\":");
        llm_fault_string(request_id, NULL, out);
    }

    llm_buf_puts(out, "}");
}


/* clients shorten a conversation on the words of a prompt too long */

static void
llm_fault_print_anthropic(const llm_fault_t *fault,
    const llm_fault_row_t *row, const llm_str_t *request_id, llm_buf_t *out)
{
    llm_buf_puts(out, "{\"type\":\"error\",\"error\":{\"type\":\"");
    llm_buf_puts(out, row->anthropic_type);
    llm_buf_puts(out, "\",\"message\":");

    llm_fault_message(fault, fault->fault == LLM_FAULT_CONTEXT
                             ? "prompt is too long" : "", out);

    llm_buf_puts(out, "}");

    if (request_id->len) {
        llm_buf_puts(out, ",\"request_id\":");
        llm_fault_string(request_id, NULL, out);
    }

    llm_buf_puts(out, "}");
}


static void
llm_fault_print_gemini(const llm_fault_t *fault, const llm_fault_row_t *row,
    const llm_str_t *request_id, llm_buf_t *out)
{
    llm_buf_puts(out, "{\"error\":{\"code\":");
    llm_buf_int(out, row->gemini);

    llm_buf_puts(out, ",\"message\":");
    llm_fault_message(fault, "", out);

    llm_buf_puts(out, ",\"status\":\"");
    llm_buf_puts(out, row->gemini_status);
    llm_buf_puts(out, "\"");

    if (fault->retry_after >= 0) {
        llm_buf_puts(out, ",\"details\":[{\"@type\":\"type.googleapis.com/"
                          "google.rpc.RetryInfo\",\"retryDelay\":\"");
        llm_buf_int(out, fault->retry_after / 1000
                         + (fault->retry_after % 1000 != 0));
        llm_buf_puts(out, "s\"}]");
    }

    llm_buf_puts(out, "}");

    if (request_id->len) {
        llm_buf_puts(out, ",\"request_id\":");
        llm_fault_string(request_id, NULL, out);
    }

    llm_buf_puts(out, "}");
}


/* a message about the gateway's own credentials is for its log alone */

static void
llm_fault_message(const llm_fault_t *fault, const char *prefix,
    llm_buf_t *out)
{
    size_t     len;
    llm_buf_t  b;

    static const char  auth[] = "the provider refused the gateway's "
                                "credentials";
    static const char  none[] = "the provider failed";

    if (fault->fault == LLM_FAULT_AUTH) {
        llm_buf_json(out, auth, sizeof(auth) - 1);
        return;
    }

    if (fault->message.len == 0) {
        llm_buf_json(out, none, sizeof(none) - 1);
        return;
    }

    len = strlen(prefix);

    if (len == 0
        || (fault->message.len >= len
            && memcmp(fault->message.data, prefix, len) == 0))
    {
        llm_buf_json(out, fault->message.data, fault->message.len);
        return;
    }

    llm_buf_init(&b, out->arena);

    llm_buf_puts(&b, prefix);
    llm_buf_puts(&b, ": ");
    llm_buf_add(&b, fault->message.data, fault->message.len);

    llm_buf_json(out, b.data, b.len);
}


/* null where there is neither */

static void
llm_fault_string(const llm_str_t *s, const char *other, llm_buf_t *out)
{
    if (s->len) {
        llm_buf_json(out, s->data, s->len);

    } else if (other) {
        llm_buf_json(out, other, strlen(other));

    } else {
        llm_buf_puts(out, "null");
    }
}
