
/*
 * Images: OpenAI's requests to models of Gemini that draw, and to Imagen.
 */


#include "llm_convert_image.h"


#define LLM_IMAGE_MAX  4          /* images of one request to Imagen */


static int llm_image_request(llm_convert_t *c, const llm_convert_in_t *in,
    llm_convert_call_t *call, llm_error_t *err);
static int llm_image_check(llm_convert_t *c, const llm_upload_t *u,
    llm_error_t *err);
static int llm_image_ratio(const llm_str_t *size, const char **ratio);
static int llm_image_write_gemini(llm_convert_t *c, const llm_upload_t *u,
    const char *ratio, llm_buf_t *out, llm_error_t *err);
static int llm_image_write_source(llm_convert_t *c, const llm_upload_t *u,
    llm_buf_t *out, llm_error_t *err);
static int llm_image_write_url(llm_convert_t *c, const llm_str_t *url,
    llm_buf_t *out, llm_error_t *err);
static void llm_image_write_imagen(llm_convert_t *c, const llm_upload_t *u,
    const char *ratio, llm_buf_t *out);


enum {
    IMAGE_PROMPT = 0,
    IMAGE_N,
    IMAGE_SIZE,
    IMAGE_STREAM,
    IMAGE_FORMAT,
    IMAGE_MASK,
    IMAGE_IMAGES,
    IMAGE_IMAGE,
    IMAGE_DROPPED,                /* from here on */
    IMAGE_MEMBERS = IMAGE_DROPPED + 9
};

static const char *const  llm_image_names[IMAGE_MEMBERS] = {
    "prompt", "n", "size", "stream", "response_format", "mask", "images",
    "image", "quality", "style", "background", "moderation", "output_format",
    "output_compression", "partial_images", "user", "input_fidelity"
};


const llm_convert_row_t  llm_convert_image_rows[] = {

    { LLM_OP_IMAGE_GENERATIONS, LLM_HOST_GOOGLE, LLM_CONVERT_CALL,
      llm_image_request, llm_image_answer, NULL },

    { LLM_OP_IMAGE_EDITS, LLM_HOST_GOOGLE, LLM_CONVERT_CALL,
      llm_image_request, llm_image_answer, NULL },

    { LLM_OP_NONE, 0, LLM_CONVERT_NONE, NULL, NULL, NULL }
};


static int
llm_image_request(llm_convert_t *c, const llm_convert_in_t *in,
    llm_convert_call_t *call, llm_error_t *err)
{
    int           rc;
    unsigned      i, imagen;
    const char   *ratio;
    llm_upload_t  u;

    rc = llm_upload_read(c, in, llm_image_names, IMAGE_MEMBERS, &u, err);

    if (rc == LLM_OK) {
        rc = llm_image_check(c, &u, err);
    }

    if (rc != LLM_OK) {
        return rc;
    }

    if (llm_image_ratio(&u.values[IMAGE_SIZE], &ratio) != LLM_OK) {
        return llm_convert_refuse(err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                                  "size", "it must be WIDTHxHEIGHT of a "
                                  "ratio that Google draws: 1:1, 2:3, 3:2, "
                                  "3:4, 4:3, 4:5, 5:4, 9:16, 16:9 or 21:9");
    }

    for (i = IMAGE_DROPPED; i < IMAGE_MEMBERS; i++) {
        if (u.types[i] != LLM_JSON_NONE && u.types[i] != LLM_JSON_NULL) {
            llm_convert_drop(c, llm_image_names[i]);
        }
    }

    c->size = u.values[IMAGE_SIZE];

    imagen = llm_convert_model_has(c, "imagen");

    if (!imagen) {
        rc = llm_image_write_gemini(c, &u, ratio, &call->body, err);

    } else if (c->client->op == LLM_OP_IMAGE_EDITS) {
        return llm_convert_refuse(err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                                  "image", "Imagen draws, but does not edit");

    } else {
        llm_image_write_imagen(c, &u, ratio, &call->body);
    }

    if (rc != LLM_OK) {
        return rc;
    }

    return llm_convert_post(c, imagen ? LLM_OP_PREDICT : LLM_OP_GENERATE,
                            call, err);
}


static int
llm_image_check(llm_convert_t *c, const llm_upload_t *u, llm_error_t *err)
{
    int64_t   n;
    unsigned  imagen;

    if (u->types[IMAGE_PROMPT] != LLM_JSON_STRING) {
        return llm_convert_refuse(err, LLM_ERROR_MISSING_PARAMETER, "prompt",
                                  "\"prompt\" is missing");
    }

    if (u->types[IMAGE_STREAM] == LLM_JSON_TRUE
        || llm_str_is(&u->values[IMAGE_STREAM], "true"))
    {
        return llm_convert_refuse(err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                                  "stream", "this model's provider has no "
                                  "stream of images");
    }

    if (u->types[IMAGE_FORMAT] == LLM_JSON_STRING
        && llm_str_is(&u->values[IMAGE_FORMAT], "url"))
    {
        return llm_convert_refuse(err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                                  "response_format", "this model's provider "
                                  "keeps no images: \"b64_json\" is all "
                                  "there is");
    }

    if (u->types[IMAGE_MASK] != LLM_JSON_NONE) {
        return llm_convert_refuse(err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                                  "mask", "masks are not translated");
    }

    imagen = llm_convert_model_has(c, "imagen");

    n = llm_upload_int(u, IMAGE_N);

    if (n == -1) {
        n = 1;
    }

    if (n < 1) {
        return llm_convert_refuse(err, LLM_ERROR_BAD_REQUEST, "n",
                                  "it must be a positive integer");
    }

    if (n > (imagen ? LLM_IMAGE_MAX : 1)) {
        return llm_convert_refuse(err, LLM_ERROR_UNSUPPORTED_PARAMETER, "n",
                                  imagen ? "Imagen draws four images at most"
                                         : "Gemini draws one image a "
                                           "request");
    }

    c->n = (unsigned) n;

    return LLM_OK;
}


/* OpenAI's sizes, and any others of a ratio that is known */

static int
llm_image_ratio(const llm_str_t *size, const char **ratio)
{
    size_t    i;
    unsigned  k, n[2];

    static const struct {
        unsigned     w;
        unsigned     h;
        const char  *ratio;
    } ratios[] = {
        { 1, 1, "1:1" }, { 2, 3, "2:3" }, { 3, 2, "3:2" }, { 3, 4, "3:4" },
        { 4, 3, "4:3" }, { 4, 5, "4:5" }, { 5, 4, "5:4" }, { 9, 16, "9:16" },
        { 16, 9, "16:9" }, { 21, 9, "21:9" },

        /* what dall-e-3 calls so */

        { 1792, 1024, "16:9" }, { 1024, 1792, "9:16" }
    };

    *ratio = NULL;

    if (size->len == 0 || llm_str_is(size, "auto")
        || llm_str_is(size, "null"))
    {
        return LLM_OK;
    }

    n[0] = 0;
    n[1] = 0;

    for (i = 0, k = 0; i < size->len; i++) {

        if (size->data[i] == 'x' && k == 0) {
            k = 1;

        } else if (size->data[i] >= '0' && size->data[i] <= '9'
                   && n[k] < 10000)
        {
            n[k] = n[k] * 10 + (unsigned) (size->data[i] - '0');

        } else {
            return LLM_INVALID;
        }
    }

    for (i = 0; i < sizeof(ratios) / sizeof(ratios[0]); i++) {

        if (n[0] && n[1] && n[0] * ratios[i].h == n[1] * ratios[i].w) {
            *ratio = ratios[i].ratio;
            return LLM_OK;
        }
    }

    return LLM_INVALID;
}


static int
llm_image_write_gemini(llm_convert_t *c, const llm_upload_t *u,
    const char *ratio, llm_buf_t *out, llm_error_t *err)
{
    int  rc;

    llm_buf_puts(out, "{\"contents\":[{\"role\":\"user\",\"parts\":["
                      "{\"text\":");
    llm_buf_json(out, u->values[IMAGE_PROMPT].data,
                 u->values[IMAGE_PROMPT].len);
    llm_buf_puts(out, "}");

    if (c->client->op == LLM_OP_IMAGE_EDITS) {
        rc = llm_image_write_source(c, u, out, err);

        if (rc != LLM_OK) {
            return rc;
        }
    }

    llm_buf_puts(out, "]}],\"generationConfig\":{\"responseModalities\":"
                      "[\"TEXT\",\"IMAGE\"]");

    if (ratio) {
        llm_buf_puts(out, ",\"imageConfig\":{\"aspectRatio\":\"");
        llm_buf_puts(out, ratio);
        llm_buf_puts(out, "\"}");
    }

    llm_buf_puts(out, "}}");

    return LLM_OK;
}


/* files of a form, or "images" of JSON */

static int
llm_image_write_source(llm_convert_t *c, const llm_upload_t *u,
    llm_buf_t *out, llm_error_t *err)
{
    int               rc;
    unsigned          i, n;
    llm_str_t         value, url, values[1];
    llm_walk_t        w;
    const llm_str_t  *list;

    static const char *const  names[] = { "image_url" };

    for (i = 0; i < u->nfiles; i++) {

        if (llm_str_is(&u->names[i], "mask")) {
            return llm_convert_refuse(err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                                      "mask", "masks are not translated");
        }

        llm_buf_puts(out, ",{\"inlineData\":");

        rc = llm_upload_print(c, u, i, "mimeType", "data", out);

        if (rc == LLM_INVALID) {
            return llm_convert_refuse(err, LLM_ERROR_BAD_REQUEST, "image",
                                      "this is no image that is known");
        }

        if (rc != LLM_OK) {
            return rc;
        }

        llm_buf_puts(out, "}");
    }

    list = u->types[IMAGE_IMAGES] == LLM_JSON_ARRAY ? &u->values[IMAGE_IMAGES]
                                                    : &u->values[IMAGE_IMAGE];

    n = u->nfiles;

    if (u->base64 && llm_form_type(list) == LLM_JSON_ARRAY) {
        llm_walk_open(&w, list);

        for ( /* void */ ; llm_walk_element(&w, &value); n++) {
            llm_member_pick(&value, names, 1, values);

            if (llm_form_string(c->arena, &values[0], &url) == LLM_NOMEM) {
                return LLM_NOMEM;
            }

            rc = llm_image_write_url(c, &url, out, err);

            if (rc != LLM_OK) {
                return rc;
            }
        }
    }

    if (n == 0) {
        return llm_convert_refuse(err, LLM_ERROR_MISSING_PARAMETER, "image",
                                  "\"image\" is missing");
    }

    return LLM_OK;
}


static int
llm_image_write_url(llm_convert_t *c, const llm_str_t *url, llm_buf_t *out,
    llm_error_t *err)
{
    int          rc;
    llm_form_t   form;
    llm_block_t  block;

    memset(&form, 0, sizeof(llm_form_t));
    memset(&block, 0, sizeof(llm_block_t));

    form.arena = c->arena;
    block.kind = LLM_BLOCK_IMAGE;

    rc = url->len ? llm_form_media(&form, &block, url) : LLM_INVALID;

    if (rc == LLM_NOMEM) {
        return rc;
    }

    if (rc != LLM_OK || block.source != LLM_SOURCE_BASE64) {
        return llm_convert_refuse(err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                                  "images.image_url", "images must come as "
                                  "\"data:\" URLs to this model");
    }

    llm_buf_puts(out, ",{\"inlineData\":{\"mimeType\":");
    llm_buf_json(out, block.mime.data, block.mime.len);
    llm_buf_puts(out, ",\"data\":");
    llm_buf_json(out, block.data.data, block.data.len);
    llm_buf_puts(out, "}}");

    return LLM_OK;
}


static void
llm_image_write_imagen(llm_convert_t *c, const llm_upload_t *u,
    const char *ratio, llm_buf_t *out)
{
    llm_buf_puts(out, "{\"instances\":[{\"prompt\":");
    llm_buf_json(out, u->values[IMAGE_PROMPT].data,
                 u->values[IMAGE_PROMPT].len);
    llm_buf_puts(out, "}],\"parameters\":{\"sampleCount\":");
    llm_buf_int(out, c->n);

    if (ratio) {
        llm_buf_puts(out, ",\"aspectRatio\":\"");
        llm_buf_puts(out, ratio);
        llm_buf_puts(out, "\"");
    }

    llm_buf_puts(out, "}}");
}
