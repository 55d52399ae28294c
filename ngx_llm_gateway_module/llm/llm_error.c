
#include "llm_error.h"


#define LLM_ERROR_DOMAIN  "llm-gateway"


static void llm_error_print_openai(const llm_error_t *err, llm_buf_t *out);
static void llm_error_print_anthropic(const llm_error_t *err, llm_buf_t *out);
static void llm_error_print_gemini(const llm_error_t *err, llm_buf_t *out);
static void llm_error_print_responses(int64_t seq, const llm_error_t *err,
    llm_buf_t *out);
static void llm_error_print_context(const llm_error_t *err, llm_buf_t *out);
static void llm_error_member(const char *name, const llm_str_t *value,
    llm_buf_t *out);
static void llm_error_raw(const char *name, const llm_str_t *json,
    llm_buf_t *out);
static const llm_str_t *llm_error_code(const llm_error_t *err);
static const char *llm_error_openai_type(int status);
static const char *llm_error_anthropic_type(int status);
static const char *llm_error_gemini_status(int status);


const llm_str_t  llm_error_names[LLM_ERROR_N] = {
    { 0, NULL },
#define LLM_ERROR_NAME(e, code, status)  llm_string(#code),
    LLM_ERROR_MAP(LLM_ERROR_NAME)
#undef LLM_ERROR_NAME
};


static const int  llm_error_statuses[LLM_ERROR_N] = {
    500,
#define LLM_ERROR_STATUS(e, code, status)  status,
    LLM_ERROR_MAP(LLM_ERROR_STATUS)
#undef LLM_ERROR_STATUS
};


int
llm_error_status(const llm_error_t *err)
{
    return err->status ? err->status : llm_error_statuses[err->code];
}


void
llm_error_print(llm_protocol_e protocol, const llm_error_t *err,
    llm_buf_t *out)
{
    switch (protocol) {

    case LLM_PROTOCOL_ANTHROPIC:
        llm_error_print_anthropic(err, out);
        break;

    case LLM_PROTOCOL_GEMINI:
        llm_error_print_gemini(err, out);
        break;

    default: /* a path that is no endpoint has no protocol */
        llm_error_print_openai(err, out);
    }
}


void
llm_error_print_event(const llm_op_t *op, unsigned array, int64_t seq,
    const llm_error_t *err, llm_buf_t *out)
{
    if (op->endpoint == LLM_ENDPOINT_RESPONSES) {
        llm_error_print_responses(seq, err, out);
        return;
    }

    switch (op->protocol) {

    case LLM_PROTOCOL_ANTHROPIC:
        llm_buf_puts(out, "event: error\ndata: ");
        llm_error_print_anthropic(err, out);
        llm_buf_puts(out, "\n\n");
        break;

    case LLM_PROTOCOL_GEMINI:

        if (array) {
            llm_buf_puts(out, array == LLM_ERROR_ARRAY_FIRST ? "[" : ",\r\n");
            llm_error_print_gemini(err, out);
            llm_buf_puts(out, "]");
            break;
        }

        llm_buf_puts(out, "data: ");
        llm_error_print_gemini(err, out);
        llm_buf_puts(out, "\r\n\r\n");
        break;

    default:

        /* no "[DONE]": that would be a good end */

        llm_buf_puts(out, "data: ");
        llm_error_print_openai(err, out);
        llm_buf_puts(out, "\n\n");
    }
}


static void
llm_error_print_openai(const llm_error_t *err, llm_buf_t *out)
{
    llm_buf_puts(out, "{\"error\":{\"message\":");
    llm_buf_json(out, err->message.data, err->message.len);

    llm_buf_puts(out, ",\"type\":\"");
    llm_buf_puts(out, llm_error_openai_type(llm_error_status(err)));
    llm_buf_puts(out, "\"");

    llm_error_member(",\"param\":", &err->param, out);
    llm_error_member(",\"code\":", llm_error_code(err), out);

    llm_buf_puts(out, "}");

    llm_error_print_context(err, out);

    llm_buf_puts(out, "}");
}


static void
llm_error_print_anthropic(const llm_error_t *err, llm_buf_t *out)
{
    llm_buf_puts(out, "{\"type\":\"error\",\"error\":{\"type\":\"");
    llm_buf_puts(out, llm_error_anthropic_type(llm_error_status(err)));

    llm_buf_puts(out, "\",\"message\":");
    llm_buf_json(out, err->message.data, err->message.len);

    llm_error_member(",\"code\":", llm_error_code(err), out);
    llm_error_member(",\"param\":", &err->param, out);

    llm_buf_puts(out, "}");

    llm_error_print_context(err, out);

    llm_buf_puts(out, "}");
}


static void
llm_error_print_gemini(const llm_error_t *err, llm_buf_t *out)
{
    const llm_str_t  *code;

    llm_buf_puts(out, "{\"error\":{\"code\":");
    llm_buf_int(out, llm_error_status(err));

    llm_buf_puts(out, ",\"message\":");
    llm_buf_json(out, err->message.data, err->message.len);

    llm_buf_puts(out, ",\"status\":\"");
    llm_buf_puts(out, llm_error_gemini_status(llm_error_status(err)));

    llm_buf_puts(out, "\",\"details\":[{\"@type\":"
                      "\"type.googleapis.com/google.rpc.ErrorInfo\","
                      "\"reason\":");

    code = llm_error_code(err);
    llm_buf_json(out, code->data, code->len);

    llm_buf_puts(out, ",\"domain\":\"" LLM_ERROR_DOMAIN "\",\"metadata\":{");

    /* values of this map are strings, so that null is no choice */

    if (err->param.len) {
        llm_error_member("\"param\":", &err->param, out);
    }

    llm_buf_puts(out, "}}]}");

    llm_error_print_context(err, out);

    llm_buf_puts(out, "}");
}


/*
 * Clients know the error at the top level, as it is documented, or nested,
 * as it is sent: it is told both ways.  The response's own id is not known
 * here.
 */

static void
llm_error_print_responses(int64_t seq, const llm_error_t *err, llm_buf_t *out)
{
    const llm_str_t  *code;

    code = llm_error_code(err);

    llm_buf_puts(out, "event: error\ndata: {\"type\":\"error\"");
    llm_error_member(",\"code\":", code, out);

    llm_buf_puts(out, ",\"message\":");
    llm_buf_json(out, err->message.data, err->message.len);

    llm_error_member(",\"param\":", &err->param, out);

    llm_buf_puts(out, ",\"sequence_number\":");
    llm_buf_int(out, seq + 1);

    llm_buf_puts(out, ",\"error\":{\"type\":\"");
    llm_buf_puts(out, llm_error_openai_type(llm_error_status(err)));
    llm_buf_puts(out, "\"");

    llm_error_member(",\"code\":", code, out);

    llm_buf_puts(out, ",\"message\":");
    llm_buf_json(out, err->message.data, err->message.len);

    llm_error_member(",\"param\":", &err->param, out);

    llm_buf_puts(out, "}");

    llm_error_print_context(err, out);

    llm_buf_puts(out, "}\n\nevent: response.failed\n"
                      "data: {\"type\":\"response.failed\","
                      "\"sequence_number\":");
    llm_buf_int(out, seq + 2);

    llm_buf_puts(out, ",\"response\":{\"id\":null,\"object\":\"response\","
                      "\"status\":\"failed\",\"error\":{");
    llm_error_member("\"code\":", code, out);

    llm_buf_puts(out, ",\"message\":");
    llm_buf_json(out, err->message.data, err->message.len);

    llm_buf_puts(out, "},\"incomplete_details\":null,\"output\":[],"
                      "\"usage\":null}}\n\n");
}


static void
llm_error_print_context(const llm_error_t *err, llm_buf_t *out)
{
    if (err->request_id.len) {
        llm_error_member(",\"request_id\":", &err->request_id, out);
    }

    if (err->attempts.len) {
        llm_error_raw(",\"attempts\":", &err->attempts, out);
    }

    if (err->decision.len) {
        llm_error_raw(",\"decision\":", &err->decision, out);
    }
}


static void
llm_error_member(const char *name, const llm_str_t *value, llm_buf_t *out)
{
    llm_buf_puts(out, name);

    if (value->len == 0) {
        llm_buf_puts(out, "null");
        return;
    }

    llm_buf_json(out, value->data, value->len);
}


/* a line break between tokens would end a line of an event stream */

static void
llm_error_raw(const char *name, const llm_str_t *json, llm_buf_t *out)
{
    size_t  i, start;

    llm_buf_puts(out, name);

    start = 0;

    for (i = 0; i < json->len; i++) {

        if (json->data[i] == '\n' || json->data[i] == '\r') {
            llm_buf_add(out, json->data + start, i - start);
            llm_buf_puts(out, " ");
            start = i + 1;
        }
    }

    llm_buf_add(out, json->data + start, json->len - start);
}


static const llm_str_t *
llm_error_code(const llm_error_t *err)
{
    if (err->code == LLM_ERROR_NONE) {
        return &llm_error_names[LLM_ERROR_INTERNAL_ERROR];
    }

    return &llm_error_names[err->code];
}


static const char *
llm_error_openai_type(int status)
{
    if (status == 402) {
        return "insufficient_quota";
    }

    if (status == 429) {
        return "rate_limit_error";
    }

    return status < 500 ? "invalid_request_error" : "server_error";
}


static const char *
llm_error_anthropic_type(int status)
{
    switch (status) {

    case 401:
        return "authentication_error";

    case 402:
        return "billing_error";

    case 403:
        return "permission_error";

    case 404:
        return "not_found_error";

    case 413:
        return "request_too_large";

    case 429:
        return "rate_limit_error";

    case 503:
        return "overloaded_error";

    case 504:
        return "timeout_error";

    default:
        return status < 500 ? "invalid_request_error" : "api_error";
    }
}


static const char *
llm_error_gemini_status(int status)
{
    switch (status) {

    case 401:
        return "UNAUTHENTICATED";

    case 403:
        return "PERMISSION_DENIED";

    case 404:
        return "NOT_FOUND";

    case 402:
    case 429:
        return "RESOURCE_EXHAUSTED";

    case 502:
    case 503:
        return "UNAVAILABLE";

    case 504:
        return "DEADLINE_EXCEEDED";

    default:
        return status < 500 ? "INVALID_ARGUMENT" : "INTERNAL";
    }
}
