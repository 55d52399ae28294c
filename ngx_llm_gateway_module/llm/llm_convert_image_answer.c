
/* images: what Google drew, as OpenAI's clients get it */


#include "llm_convert_image.h"


static unsigned llm_image_print_gemini(const llm_str_t *body,
    llm_str_t *mime, llm_str_t *reason, llm_buf_t *out);
static unsigned llm_image_print_imagen(const llm_str_t *body,
    llm_str_t *mime, llm_str_t *reason, llm_buf_t *out);
static int llm_image_refused(llm_convert_t *c, const llm_str_t *reason);
static void llm_image_print_usage(llm_convert_t *c, llm_buf_t *out);


int
llm_image_answer(llm_convert_t *c, const llm_str_t *body,
    llm_convert_answer_t *answer)
{
    unsigned    n;
    llm_str_t   mime, reason;
    llm_buf_t  *out;

    mime.len = 0;
    mime.data = NULL;
    reason = mime;

    out = &answer->body;

    llm_buf_puts(out, "{\"created\":");
    llm_buf_int(out, c->conf->created);
    llm_buf_puts(out, ",\"data\":[");

    if (llm_convert_model_has(c, "imagen")) {
        n = llm_image_print_imagen(body, &mime, &reason, out);

    } else {
        n = llm_image_print_gemini(body, &mime, &reason, out);
        llm_convert_read_usage(c, LLM_OP_GENERATE, body);
    }

    if (n == 0) {
        out->len = 0;
        return llm_image_refused(c, &reason);
    }

    llm_buf_puts(out, "]");

    if (mime.len > 8) {

        /* "image/png", with its quotes */

        llm_buf_puts(out, ",\"output_format\":\"");
        llm_buf_add(out, mime.data + 7, mime.len - 8);
        llm_buf_puts(out, "\"");
    }

    if (c->size.len) {
        llm_buf_puts(out, ",\"size\":");
        llm_buf_json(out, c->size.data, c->size.len);
    }

    if (c->has_usage) {
        llm_image_print_usage(c, out);
    }

    llm_buf_puts(out, "}");

    /* by the piece only where there are no tokens */

    if (!c->has_usage) {
        llm_usage_set(&c->usage, LLM_USAGE_IMAGES, n);
        c->has_usage = 1;
    }

    llm_convert_json(answer);

    return LLM_OK;
}


static unsigned
llm_image_print_gemini(const llm_str_t *body, llm_str_t *mime,
    llm_str_t *reason, llm_buf_t *out)
{
    unsigned    n;
    llm_str_t   value, top[2], feedback[1], candidate[2], content[1];
    llm_str_t   part[1], data[2];
    llm_walk_t  w;

    static const char *const  names[] = { "candidates", "promptFeedback" };
    static const char *const  blocked[] = { "blockReason" };
    static const char *const  members[] = { "content", "finishReason" };
    static const char *const  parts[] = { "parts" };
    static const char *const  kinds[] = { "inlineData" };
    static const char *const  media[] = { "mimeType", "data" };

    n = 0;

    llm_member_pick(body, names, 2, top);
    llm_member_pick(&top[1], blocked, 1, feedback);

    *reason = feedback[0];

    if (llm_form_type(&top[0]) != LLM_JSON_ARRAY) {
        return 0;
    }

    llm_walk_open(&w, &top[0]);

    if (!llm_walk_element(&w, &value)) {
        return 0;
    }

    llm_member_pick(&value, members, 2, candidate);
    llm_member_pick(&candidate[0], parts, 1, content);

    if (candidate[1].len) {
        *reason = candidate[1];
    }

    if (llm_form_type(&content[0]) != LLM_JSON_ARRAY) {
        return 0;
    }

    llm_walk_open(&w, &content[0]);

    while (llm_walk_element(&w, &value)) {
        llm_member_pick(&value, kinds, 1, part);
        llm_member_pick(&part[0], media, 2, data);

        if (llm_form_type(&data[1]) == LLM_JSON_STRING) {
            llm_buf_puts(out, n++ ? ",{\"b64_json\":" : "{\"b64_json\":");
            llm_buf_add(out, data[1].data, data[1].len);
            llm_buf_puts(out, "}");

            *mime = data[0];
        }
    }

    return n;
}


static unsigned
llm_image_print_imagen(const llm_str_t *body, llm_str_t *mime,
    llm_str_t *reason, llm_buf_t *out)
{
    unsigned    n;
    llm_str_t   value, top[1], values[3];
    llm_walk_t  w;

    static const char *const  names[] = { "predictions" };
    static const char *const  members[] = {
        "bytesBase64Encoded", "mimeType", "raiFilteredReason"
    };

    n = 0;

    llm_member_pick(body, names, 1, top);

    if (llm_form_type(&top[0]) != LLM_JSON_ARRAY) {
        return 0;
    }

    llm_walk_open(&w, &top[0]);

    while (llm_walk_element(&w, &value)) {
        llm_member_pick(&value, members, 3, values);

        if (values[2].len) {
            *reason = values[2];
        }

        if (llm_form_type(&values[0]) == LLM_JSON_STRING) {
            llm_buf_puts(out, n++ ? ",{\"b64_json\":" : "{\"b64_json\":");
            llm_buf_add(out, values[0].data, values[0].len);
            llm_buf_puts(out, "}");

            *mime = values[1];
        }
    }

    return n;
}


static int
llm_image_refused(llm_convert_t *c, const llm_str_t *reason)
{
    llm_buf_t  b;
    llm_str_t  words;

    if (llm_form_string(c->arena, reason, &words) == LLM_NOMEM) {
        return LLM_NOMEM;
    }

    llm_buf_init(&b, c->arena);

    llm_buf_puts(&b, "the provider made no image");

    if (words.len) {
        llm_buf_puts(&b, ": ");
        llm_buf_add(&b, words.data, words.len);
    }

    if (b.failed) {
        return LLM_NOMEM;
    }

    words.data = b.data;
    words.len = b.len;

    return llm_convert_fail(c, LLM_FAULT_POLICY, 400,
                            "content_policy_violation", &words);
}


static void
llm_image_print_usage(llm_convert_t *c, llm_buf_t *out)
{
    int64_t             input, output;
    const llm_usage_t  *u;

    u = &c->usage;

    input = llm_usage_input(u);
    output = llm_usage_output(u);

    llm_buf_puts(out, ",\"usage\":{\"input_tokens\":");
    llm_buf_int(out, input);
    llm_buf_puts(out, ",\"input_tokens_details\":{\"text_tokens\":");
    llm_buf_int(out, input - u->units[LLM_USAGE_IMAGE_INPUT]);
    llm_buf_puts(out, ",\"image_tokens\":");
    llm_buf_int(out, u->units[LLM_USAGE_IMAGE_INPUT]);
    llm_buf_puts(out, "},\"output_tokens\":");
    llm_buf_int(out, output);
    llm_buf_puts(out, ",\"total_tokens\":");
    llm_buf_int(out, input + output);
    llm_buf_puts(out, "}");
}
