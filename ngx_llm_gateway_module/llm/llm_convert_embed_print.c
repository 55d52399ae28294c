
/* embeddings: what clients of OpenAI and of Gemini get */


#include "llm_base64.h"
#include "llm_convert_embed.h"

#include <math.h>
#include <stdlib.h>


static int llm_embed_print_vector(const llm_str_t *values, llm_buf_t *out);
static int llm_embed_print_base64(llm_convert_t *c, const llm_str_t *values,
    llm_buf_t *bytes, llm_buf_t *out);


int
llm_embed_print(llm_convert_t *c, const llm_embed_answer_t *a, llm_buf_t *out)
{
    int        rc;
    unsigned   i, gemini;
    llm_buf_t  bytes;

    gemini = (c->client->protocol == LLM_PROTOCOL_GEMINI);

    llm_buf_init(&bytes, c->arena);

    if (!gemini) {
        llm_buf_puts(out, "{\"object\":\"list\",\"data\":[");

    } else {
        llm_buf_puts(out, c->batch ? "{\"embeddings\":[" : "{\"embedding\":");
    }

    for (i = 0; i < a->n; i++) {

        if (i) {
            llm_buf_puts(out, ",");
        }

        if (gemini) {
            llm_buf_puts(out, "{\"values\":");

        } else {
            llm_buf_puts(out, "{\"object\":\"embedding\",\"index\":");
            llm_buf_int(out, i);
            llm_buf_puts(out, ",\"embedding\":");
        }

        rc = c->base64 ? llm_embed_print_base64(c, &a->values[i], &bytes, out)
                       : llm_embed_print_vector(&a->values[i], out);

        if (rc != LLM_OK) {
            return rc;
        }

        llm_buf_puts(out, "}");
    }

    if (gemini) {
        llm_buf_puts(out, c->batch ? "],\"usageMetadata\":{\"promptToken"
                                     "Count\":"
                                   : ",\"usageMetadata\":{\"promptToken"
                                     "Count\":");
        llm_buf_int(out, a->tokens);
        llm_buf_puts(out, "}}");

        return LLM_OK;
    }

    llm_buf_puts(out, "],\"model\":");
    llm_buf_json(out, c->conf->model.data, c->conf->model.len);
    llm_buf_puts(out, ",\"usage\":{\"prompt_tokens\":");
    llm_buf_int(out, a->tokens);
    llm_buf_puts(out, ",\"total_tokens\":");
    llm_buf_int(out, a->tokens);
    llm_buf_puts(out, "}}");

    return LLM_OK;
}


/* digits as the provider wrote them, without its white space */

static int
llm_embed_print_vector(const llm_str_t *values, llm_buf_t *out)
{
    unsigned    n;
    llm_str_t   value;
    llm_walk_t  w;

    llm_buf_puts(out, "[");
    llm_walk_open(&w, values);

    for (n = 0; llm_walk_element(&w, &value); n++) {

        if (llm_form_type(&value) != LLM_JSON_NUMBER) {
            return LLM_INVALID;
        }

        if (n) {
            llm_buf_puts(out, ",");
        }

        llm_buf_add(out, value.data, value.len);
    }

    llm_buf_puts(out, "]");

    return LLM_OK;
}


/* little-endian floats of 32 bits */

static int
llm_embed_print_base64(llm_convert_t *c, const llm_str_t *values,
    llm_buf_t *bytes, llm_buf_t *out)
{
    char           text[64];
    float          number;
    uint32_t       bits;
    llm_str_t      value;
    llm_walk_t     w;
    unsigned char  word[4];

    bytes->len = 0;

    llm_walk_open(&w, values);

    while (llm_walk_element(&w, &value)) {

        if (llm_form_type(&value) != LLM_JSON_NUMBER
            || value.len >= sizeof(text))
        {
            return LLM_INVALID;
        }

        memcpy(text, value.data, value.len);
        text[value.len] = '\0';

        number = strtof(text, NULL);

        if (!isfinite(number)) {
            return LLM_INVALID;
        }

        memcpy(&bits, &number, 4);

        word[0] = (unsigned char) bits;
        word[1] = (unsigned char) (bits >> 8);
        word[2] = (unsigned char) (bits >> 16);
        word[3] = (unsigned char) (bits >> 24);

        llm_buf_add(bytes, word, 4);
    }

    llm_buf_puts(out, "\"");
    llm_base64_encode(out, bytes->data, bytes->len);
    llm_buf_puts(out, "\"");

    return bytes->failed ? LLM_NOMEM : LLM_OK;
}
