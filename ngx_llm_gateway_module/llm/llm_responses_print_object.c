
/*
 * OpenAI Responses API: the response object, with what it echoes of the
 * request.
 */


#include "llm_responses.h"


typedef struct {
    const char      *name;
    const char      *missing;     /* where the request does not tell it */
} llm_responses_echo_t;


static void llm_responses_print_echo(llm_translate_t *x, llm_buf_t *out);


static const llm_responses_echo_t  llm_responses_echoes[] = {
    { "instructions", "null" },
    { "max_output_tokens", "null" },
    { "max_tool_calls", "null" },
    { "metadata", "{}" },
    { "parallel_tool_calls", "true" },
    { "prompt_cache_key", "null" },
    { "reasoning", "{\"effort\":null,\"summary\":null}" },
    { "safety_identifier", "null" },
    { "service_tier", "\"default\"" },
    { "temperature", "null" },
    { "text", "{\"format\":{\"type\":\"text\"}}" },
    { "tool_choice", "\"auto\"" },
    { "tools", "[]" },
    { "top_logprobs", "0" },
    { "top_p", "null" },
    { "truncation", "\"disabled\"" },
    { "user", "null" },
    { NULL, NULL }
};


const llm_dialect_t  llm_dialect_responses = {
    LLM_DIALECT_RESPONSES,
    llm_responses_read_request,
    llm_responses_write_answer,
    llm_responses_write_part,
    sizeof(llm_responses_writer_t),
    llm_responses_write_request,
    llm_responses_read_answer,
    llm_responses_read_event,
    llm_responses_read_end,
    sizeof(llm_responses_reader_t)
};


void
llm_responses_print_object(llm_translate_t *x, const char *status,
    llm_stop_e stop, const llm_str_t *code, const llm_str_t *message,
    llm_buf_t *out)
{
    unsigned                 final;
    llm_responses_writer_t  *w;

    w = x->writer;
    final = strcmp(status, "in_progress") != 0;

    llm_responses_print_string("{\"id\":", &w->id, out);

    llm_buf_puts(out, ",\"object\":\"response\",\"created_at\":");
    llm_buf_int(out, x->conf->created);

    llm_buf_puts(out, ",\"status\":\"");
    llm_buf_puts(out, status);

    llm_buf_puts(out, "\",\"background\":false,\"completed_at\":");

    /* there is no clock here: an answer is complete when it was asked for */

    if (strcmp(status, "completed") == 0) {
        llm_buf_int(out, x->conf->created);

    } else {
        llm_buf_puts(out, "null");
    }

    if (message) {
        llm_responses_print_string(",\"error\":{\"code\":", code, out);
        llm_responses_print_string(",\"message\":", message, out);
        llm_buf_puts(out, "}");

    } else {
        llm_buf_puts(out, ",\"error\":null");
    }

    llm_buf_puts(out, ",\"incomplete_details\":");

    if (strcmp(status, "incomplete") == 0) {
        llm_buf_puts(out, stop == LLM_STOP_LENGTH
                          ? "{\"reason\":\"max_output_tokens\"}"
                          : "{\"reason\":\"content_filter\"}");

    } else {
        llm_buf_puts(out, "null");
    }

    llm_responses_print_string(",\"model\":", &w->model, out);

    llm_buf_puts(out, ",\"output\":[");

    if (final) {
        llm_buf_add(out, w->items.data, w->items.len);
    }

    llm_buf_puts(out, "],\"previous_response_id\":null,\"store\":false");

    llm_responses_print_echo(x, out);

    llm_buf_puts(out, ",\"usage\":");

    if (final && x->has_usage) {
        llm_responses_print_usage(&x->usage, out);

    } else {
        llm_buf_puts(out, "null");
    }

    llm_buf_puts(out, "}");
}


static void
llm_responses_print_echo(llm_translate_t *x, llm_buf_t *out)
{
    llm_str_t                    value;
    const llm_responses_echo_t  *e;

    for (e = llm_responses_echoes; e->name; e++) {
        llm_buf_puts(out, ",\"");
        llm_buf_puts(out, e->name);
        llm_buf_puts(out, "\":");

        if (llm_form_member(&x->form->body, e->name, &value) == LLM_OK
            && llm_form_type(&value) != LLM_JSON_NULL)
        {
            llm_form_print_raw(out, &value);

        } else {
            llm_buf_puts(out, e->missing);
        }
    }
}


void
llm_responses_print_usage(const llm_usage_t *u, llm_buf_t *out)
{
    int64_t  input, output;

    input = llm_usage_input(u);
    output = llm_usage_output(u);

    llm_buf_puts(out, "{\"input_tokens\":");
    llm_buf_int(out, input);

    llm_buf_puts(out, ",\"input_tokens_details\":{\"cached_tokens\":");
    llm_buf_int(out, u->units[LLM_USAGE_CACHE_READ]);

    llm_buf_puts(out, ",\"cache_write_tokens\":");
    llm_buf_int(out, u->units[LLM_USAGE_CACHE_WRITE_5M]
                     + u->units[LLM_USAGE_CACHE_WRITE_1H]);

    llm_buf_puts(out, "},\"output_tokens\":");
    llm_buf_int(out, output);

    llm_buf_puts(out, ",\"output_tokens_details\":{\"reasoning_tokens\":");
    llm_buf_int(out, u->units[LLM_USAGE_REASONING]);

    llm_buf_puts(out, "},\"total_tokens\":");
    llm_buf_int(out, input + output);

    llm_buf_puts(out, "}");
}


void
llm_responses_print_string(const char *name, const llm_str_t *s,
    llm_buf_t *out)
{
    llm_buf_puts(out, name);
    llm_buf_json(out, s->data, s->len);
}
