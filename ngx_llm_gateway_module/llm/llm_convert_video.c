
/*
 * Videos: OpenAI's jobs over Veo, of the Gemini API and of Vertex AI, and over
 * xAI's.  What a job is is told by its id alone, so that no store is needed:
 * "video_" and base64url of seconds, size, time and the provider's own name.
 */


#include "llm_convert_video.h"


static int llm_video_create(llm_convert_t *c, const llm_convert_in_t *in,
    llm_convert_call_t *call, llm_error_t *err);
static int llm_video_check(llm_convert_t *c, const llm_upload_t *u,
    llm_video_t *v, llm_error_t *err);
static int llm_video_size(const llm_str_t *size, const char **ratio,
    const char **resolution);
static int llm_video_write_veo(llm_convert_t *c, const llm_video_t *v,
    llm_buf_t *out, llm_error_t *err);
static int llm_video_write_xai(llm_convert_t *c, const llm_video_t *v,
    llm_buf_t *out, llm_error_t *err);
static int llm_video_write_image(llm_convert_t *c, const llm_video_t *v,
    const char *data, llm_buf_t *out, llm_error_t *err);
static int llm_video_created(llm_convert_t *c, const llm_str_t *body,
    llm_convert_answer_t *answer);
static int llm_video_get(llm_convert_t *c, const llm_convert_in_t *in,
    llm_convert_call_t *call, llm_error_t *err);
static int llm_video_unknown(llm_error_t *err);
static llm_str_t llm_video_model(const llm_convert_t *c);
static int llm_video_content(llm_convert_t *c, const llm_convert_in_t *in,
    llm_convert_call_t *call, llm_error_t *err);


static const llm_str_t  llm_video_get_method = llm_string("GET");
static const llm_str_t  llm_video_post_method = llm_string("POST");


const llm_convert_row_t  llm_convert_video_rows[] = {

    { LLM_OP_VIDEO_CREATE, LLM_HOST_GOOGLE|LLM_HOST_XAI, LLM_CONVERT_CALL,
      llm_video_create, llm_video_created, NULL },

    { LLM_OP_VIDEO_GET, LLM_HOST_GOOGLE|LLM_HOST_XAI, LLM_CONVERT_CALL,
      llm_video_get, llm_video_polled, NULL },

    { LLM_OP_VIDEO_CONTENT, LLM_HOST_GOOGLE|LLM_HOST_XAI, LLM_CONVERT_CALL,
      llm_video_content, llm_video_polled, NULL },

    { LLM_OP_NONE, 0, LLM_CONVERT_NONE, NULL, NULL, NULL }
};


enum {
    VIDEO_PROMPT = 0,
    VIDEO_SECONDS,
    VIDEO_SIZE,
    VIDEO_REFERENCE,
    VIDEO_N
};

static const char *const  llm_video_names[VIDEO_N] = {
    "prompt", "seconds", "size", "input_reference"
};


static int
llm_video_create(llm_convert_t *c, const llm_convert_in_t *in,
    llm_convert_call_t *call, llm_error_t *err)
{
    int           rc;
    llm_video_t   v;

    memset(&v, 0, sizeof(llm_video_t));

    rc = llm_upload_read(c, in, llm_video_names, VIDEO_N, &v.upload, err);

    if (rc == LLM_OK) {
        rc = llm_video_check(c, &v.upload, &v, err);
    }

    if (rc != LLM_OK) {
        return rc;
    }

    c->job.seconds = v.seconds;
    c->job.created = c->conf->created;
    c->job.size = v.size;

    /* jobs are billed as they are taken: polls are free */

    llm_usage_set(&c->usage, LLM_USAGE_VIDEO_SECONDS, v.seconds * 1000);
    c->has_usage = 1;

    if (c->host != LLM_HOST_XAI) {
        rc = llm_video_write_veo(c, &v, &call->body, err);

        return rc == LLM_OK
               ? llm_convert_post(c, LLM_OP_GEMINI_LONG, call, err) : rc;
    }

    call->method = llm_video_post_method;
    llm_buf_puts(&call->path, "/videos/generations");

    return llm_video_write_xai(c, &v, &call->body, err);
}


static int
llm_video_check(llm_convert_t *c, const llm_upload_t *u, llm_video_t *v,
    llm_error_t *err)
{
    static const llm_str_t  usual = llm_string("1280x720");

    if (u->types[VIDEO_PROMPT] != LLM_JSON_STRING
        || u->values[VIDEO_PROMPT].len == 0)
    {
        return llm_convert_refuse(err, LLM_ERROR_MISSING_PARAMETER, "prompt",
                                  "\"prompt\" is missing");
    }

    v->prompt = u->values[VIDEO_PROMPT];
    v->seconds = llm_upload_int(u, VIDEO_SECONDS);

    if (v->seconds == -1) {
        v->seconds = LLM_CONVERT_VIDEO_SECONDS;
    }

    if (v->seconds < 1 || v->seconds > LLM_VIDEO_MAX_SECONDS) {
        return llm_convert_refuse(err, LLM_ERROR_BAD_REQUEST, "seconds",
                                  "it must be a number of seconds, 60 at "
                                  "most");
    }

    v->size = u->values[VIDEO_SIZE];

    if (u->types[VIDEO_SIZE] != LLM_JSON_STRING || v->size.len == 0) {
        v->size = usual;
    }

    if (llm_video_size(&v->size, &v->ratio, &v->resolution) != LLM_OK) {
        return llm_convert_refuse(err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                                  "size", "it must be 1280x720, 720x1280, "
                                  "1920x1080, 1080x1920, 1792x1024 or "
                                  "1024x1792");
    }

    return LLM_OK;
}


static int
llm_video_size(const llm_str_t *size, const char **ratio,
    const char **resolution)
{
    unsigned  i;

    static const struct {
        llm_str_t    size;
        const char  *ratio;
        const char  *resolution;
    } sizes[] = {
        { llm_string("1280x720"), "16:9", "720p" },
        { llm_string("720x1280"), "9:16", "720p" },
        { llm_string("1920x1080"), "16:9", "1080p" },
        { llm_string("1080x1920"), "9:16", "1080p" },
        { llm_string("1792x1024"), "16:9", "1080p" },
        { llm_string("1024x1792"), "9:16", "1080p" }
    };

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {

        if (size->len == sizes[i].size.len
            && memcmp(size->data, sizes[i].size.data, size->len) == 0)
        {
            *ratio = sizes[i].ratio;
            *resolution = sizes[i].resolution;

            return LLM_OK;
        }
    }

    return LLM_INVALID;
}


static int
llm_video_write_veo(llm_convert_t *c, const llm_video_t *v, llm_buf_t *out,
    llm_error_t *err)
{
    int  rc;

    llm_buf_puts(out, "{\"instances\":[{\"prompt\":");
    llm_buf_json(out, v->prompt.data, v->prompt.len);

    rc = llm_video_write_image(c, v, "bytesBase64Encoded", out, err);

    if (rc != LLM_OK) {
        return rc;
    }

    llm_buf_puts(out, "}],\"parameters\":{\"durationSeconds\":");
    llm_buf_int(out, v->seconds);
    llm_buf_puts(out, ",\"aspectRatio\":\"");
    llm_buf_puts(out, v->ratio);
    llm_buf_puts(out, "\",\"resolution\":\"");
    llm_buf_puts(out, v->resolution);
    llm_buf_puts(out, "\",\"sampleCount\":1}}");

    return LLM_OK;
}


static int
llm_video_write_xai(llm_convert_t *c, const llm_video_t *v, llm_buf_t *out,
    llm_error_t *err)
{
    if (v->upload.nfiles || v->upload.values[VIDEO_REFERENCE].len) {
        return llm_convert_refuse(err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                                  "input_reference", "a first image is not "
                                  "translated for this provider");
    }

    llm_buf_puts(out, "{\"model\":");
    llm_buf_json(out, c->to->model.data, c->to->model.len);
    llm_buf_puts(out, ",\"prompt\":");
    llm_buf_json(out, v->prompt.data, v->prompt.len);
    llm_buf_puts(out, ",\"duration\":");
    llm_buf_int(out, v->seconds);
    llm_buf_puts(out, ",\"aspect_ratio\":\"");
    llm_buf_puts(out, v->ratio);
    llm_buf_puts(out, "\",\"resolution\":\"");
    llm_buf_puts(out, v->resolution);
    llm_buf_puts(out, "\"}");

    return LLM_OK;
}


static int
llm_video_write_image(llm_convert_t *c, const llm_video_t *v,
    const char *data, llm_buf_t *out, llm_error_t *err)
{
    int  rc;

    if (v->upload.nfiles == 0) {

        if (v->upload.values[VIDEO_REFERENCE].len == 0) {
            return LLM_OK;
        }

        return llm_convert_refuse(err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                                  "input_reference", "a first image must "
                                  "come as a file of a form");
    }

    llm_buf_puts(out, ",\"image\":");

    rc = llm_upload_print(c, &v->upload, 0, "mimeType", data, out);

    if (rc == LLM_INVALID) {
        return llm_convert_refuse(err, LLM_ERROR_BAD_REQUEST,
                                  "input_reference",
                                  "this is no image that is known");
    }

    return rc;
}


static int
llm_video_created(llm_convert_t *c, const llm_str_t *body,
    llm_convert_answer_t *answer)
{
    llm_str_t         values[2], *name;
    llm_video_state_t  state;

    static const char *const  names[] = { "name", "request_id" };

    llm_member_pick(body, names, 2, values);

    name = &values[c->host == LLM_HOST_XAI];

    if (llm_form_string(c->arena, name, &c->job.name) == LLM_NOMEM) {
        return LLM_NOMEM;
    }

    if (c->job.name.len == 0) {
        return LLM_INVALID;
    }

    memset(&state, 0, sizeof(llm_video_state_t));

    state.status = "queued";

    return llm_video_print(c, &state, answer);
}


static int
llm_video_get(llm_convert_t *c, const llm_convert_in_t *in,
    llm_convert_call_t *call, llm_error_t *err)
{
    int        rc;
    llm_str_t  id, model;

    rc = llm_video_id_read(c->arena, &in->id, &c->job);

    if (rc == LLM_NOMEM) {
        return rc;
    }

    if (rc == LLM_OK && c->host == LLM_HOST_VERTEX) {
        llm_buf_puts(&call->body, "{\"operationName\":");
        llm_buf_json(&call->body, c->job.name.data, c->job.name.len);
        llm_buf_puts(&call->body, "}");

        call->method = llm_video_post_method;
        model = llm_video_model(c);

        rc = llm_endpoint_path(&llm_ops[LLM_OP_FETCH_OPERATION], &model, NULL,
                               &call->path);

        return rc == LLM_OK ? LLM_OK : llm_video_unknown(err);
    }

    call->method = llm_video_get_method;

    if (rc == LLM_OK && c->host == LLM_HOST_XAI) {
        rc = llm_endpoint_path(&llm_ops[LLM_OP_VIDEO_GET], NULL, &c->job.name,
                               &call->path);

    } else if (rc == LLM_OK) {
        rc = llm_endpoint_operation(&c->job.name, &id);

        if (rc == LLM_OK) {
            rc = llm_endpoint_path(&llm_ops[LLM_OP_OPERATION_GET], NULL, &id,
                                   &call->path);
        }
    }

    return rc == LLM_OK ? LLM_OK : llm_video_unknown(err);
}


static int
llm_video_unknown(llm_error_t *err)
{
    return llm_convert_refuse(err, LLM_ERROR_BAD_REQUEST, "id",
                              "this is no video of this model's provider");
}


/* of a route that takes its model from the request's name, which a poll does
   not have: as the operation's name tells it */

static llm_str_t
llm_video_model(const llm_convert_t *c)
{
    size_t            i, end;
    llm_str_t         model;
    const llm_str_t  *name;

    static const llm_str_t  models = llm_string("/models/");

    model = c->to->model;
    name = &c->job.name;

    for (i = 0; model.len == 0 && i + models.len < name->len; i++) {

        if (memcmp(name->data + i, models.data, models.len) != 0) {
            continue;
        }

        i += models.len;

        for (end = i; end < name->len && name->data[end] != '/'; end++) {
            /* void */
        }

        model.data = name->data + i;
        model.len = end - i;
    }

    return model;
}


static int
llm_video_content(llm_convert_t *c, const llm_convert_in_t *in,
    llm_convert_call_t *call, llm_error_t *err)
{
    size_t  i;

    static const llm_str_t  variant = llm_string("variant=");

    /* previews are none of these providers' */

    for (i = 0; i + variant.len <= in->args.len; i++) {

        if (memcmp(in->args.data + i, variant.data, variant.len) == 0
            && (in->args.len < i + 13
                || memcmp(in->args.data + i, "variant=video", 13) != 0))
        {
            return llm_convert_refuse(err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                                      "variant", "there is only the video");
        }
    }

    c->content = 1;

    return llm_video_get(c, in, call, err);
}
