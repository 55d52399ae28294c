
/* videos: how a provider's job stands, as OpenAI's job object */


#include "llm_base64.h"
#include "llm_convert_video.h"


#define LLM_VIDEO_PREFIX  "video_"


static int llm_video_read_veo(llm_convert_t *c, const llm_str_t *body,
    llm_video_state_t *state);
static int llm_video_read_response(llm_convert_t *c, const llm_str_t *body,
    llm_video_state_t *state);
static int llm_video_read_xai(llm_convert_t *c, const llm_str_t *body,
    llm_video_state_t *state);
static int llm_video_failed(llm_convert_t *c, llm_video_state_t *state,
    const llm_str_t *code, const llm_str_t *message);
static int llm_video_lead(llm_convert_t *c, const llm_video_state_t *state,
    llm_convert_answer_t *answer);
static int llm_video_file(llm_convert_t *c, const llm_str_t *url,
    llm_convert_answer_t *answer);
static int llm_video_redirect(llm_convert_t *c, const llm_str_t *url,
    llm_convert_answer_t *answer);
static unsigned llm_video_plain(const llm_str_t *url);
static size_t llm_video_field(const llm_str_t *text, size_t pos,
    llm_str_t *field);


int
llm_video_polled(llm_convert_t *c, const llm_str_t *body,
    llm_convert_answer_t *answer)
{
    int                rc;
    llm_video_state_t  state;

    memset(&state, 0, sizeof(llm_video_state_t));

    state.status = "in_progress";

    rc = (c->host == LLM_HOST_XAI) ? llm_video_read_xai(c, body, &state)
                                   : llm_video_read_veo(c, body, &state);
    if (rc != LLM_OK) {
        return rc;
    }

    return c->content ? llm_video_lead(c, &state, answer)
                      : llm_video_print(c, &state, answer);
}


static int
llm_video_read_veo(llm_convert_t *c, const llm_str_t *body,
    llm_video_state_t *state)
{
    llm_str_t  values[4], error[2];

    static const char *const  names[] = {
        "name", "done", "error", "response"
    };
    static const char *const  members[] = { "code", "message" };

    llm_member_pick(body, names, 4, values);

    if (values[0].len == 0 && values[1].len == 0) {
        return LLM_INVALID;
    }

    if (values[2].len) {
        llm_member_pick(&values[2], members, 2, error);

        return llm_video_failed(c, state, &error[0], &error[1]);
    }

    if (!llm_member_true(&values[1])) {
        return LLM_OK;
    }

    state->status = "completed";
    state->progress = 100;

    return llm_video_read_response(c, &values[3], state);
}


/* the Gemini API and Vertex AI each have a shape of their own */

static int
llm_video_read_response(llm_convert_t *c, const llm_str_t *raw,
    llm_video_state_t *state)
{
    llm_str_t   none, value, list, top[4], inner[2], video[1], values[4];
    llm_walk_t  w;

    static const char *const  names[] = {
        "generateVideoResponse", "videos", "raiMediaFilteredReasons",
        "generatedVideos"
    };
    static const char *const  inners[] = {
        "generatedSamples", "raiMediaFilteredReasons"
    };
    static const char *const  videos[] = { "video" };
    static const char *const  members[] = {
        "uri", "gcsUri", "bytesBase64Encoded", "mimeType"
    };

    none.len = 0;
    none.data = NULL;

    llm_member_pick(raw, names, 4, top);
    llm_member_pick(&top[0], inners, 2, inner);

    list = inner[0].len ? inner[0] : top[1].len ? top[1] : top[3];

    if (llm_form_type(&list) == LLM_JSON_ARRAY) {
        llm_walk_open(&w, &list);

        if (llm_walk_element(&w, &value)) {
            llm_member_pick(&value, videos, 1, video);
            llm_member_pick(video[0].len ? &video[0] : &value, members, 4,
                            values);

            state->data = values[2];

            if (llm_form_string(c->arena, &values[0], &state->url)
                == LLM_NOMEM
                || llm_form_string(c->arena, &values[3], &state->mime)
                   == LLM_NOMEM)
            {
                return LLM_NOMEM;
            }

            return LLM_OK;
        }
    }

    /* done, and nothing to show for it */

    list = inner[1].len ? inner[1] : top[2];

    if (llm_form_type(&list) == LLM_JSON_ARRAY) {
        llm_walk_open(&w, &list);

        if (llm_walk_element(&w, &value)) {
            return llm_video_failed(c, state, &none, &value);
        }
    }

    return llm_video_failed(c, state, &none, &none);
}


static int
llm_video_read_xai(llm_convert_t *c, const llm_str_t *body,
    llm_video_state_t *state)
{
    int64_t    progress;
    llm_str_t  none, values[4], video[1], error[2];

    static const char *const  names[] = {
        "status", "progress", "video", "error"
    };
    static const char *const  videos[] = { "url" };
    static const char *const  members[] = { "code", "message" };

    none.len = 0;
    none.data = NULL;

    llm_member_pick(body, names, 4, values);

    if (llm_form_type(&values[0]) != LLM_JSON_STRING) {
        return LLM_INVALID;
    }

    progress = llm_member_count(&values[1]);

    if (progress > 0 && progress <= 100) {
        state->progress = progress;
    }

    if (llm_form_is(&values[0], "done")) {
        state->status = "completed";
        state->progress = 100;

        llm_member_pick(&values[2], videos, 1, video);

        return llm_form_string(c->arena, &video[0], &state->url)
               == LLM_NOMEM ? LLM_NOMEM : LLM_OK;
    }

    if (llm_form_is(&values[0], "failed")
        || llm_form_is(&values[0], "expired"))
    {
        llm_member_pick(&values[3], members, 2, error);

        return llm_video_failed(c, state, error[0].len ? &error[0]
                                                       : &values[0],
                                error[1].len ? &error[1]
                                : llm_form_type(&values[3])
                                  == LLM_JSON_STRING ? &values[3] : &none);
    }

    return LLM_OK;
}


static int
llm_video_failed(llm_convert_t *c, llm_video_state_t *state,
    const llm_str_t *code, const llm_str_t *message)
{
    static const llm_str_t  blocked = llm_string("moderation_blocked");
    static const llm_str_t  words = llm_string("the provider made no video");

    state->status = "failed";
    state->progress = 0;

    if (llm_form_type(code) == LLM_JSON_NUMBER) {
        state->code = *code;

    } else if (llm_form_string(c->arena, code, &state->code) == LLM_NOMEM) {
        return LLM_NOMEM;
    }

    if (llm_form_string(c->arena, message, &state->message) == LLM_NOMEM) {
        return LLM_NOMEM;
    }

    /* without a code of its own it was filtered */

    if (state->code.len == 0) {
        state->code = blocked;
    }

    if (state->message.len == 0) {
        state->message = words;
    }

    return LLM_OK;
}


int
llm_video_print(llm_convert_t *c, const llm_video_state_t *state,
    llm_convert_answer_t *answer)
{
    llm_buf_t  *out;

    if (llm_video_id_print(c->arena, &c->job, &answer->id) != LLM_OK) {
        return LLM_NOMEM;
    }

    out = &answer->body;

    llm_convert_json(answer);

    llm_buf_puts(out, "{\"id\":\"");
    llm_buf_add(out, answer->id.data, answer->id.len);

    answer->sign = out->len;

    llm_buf_puts(out, "\",\"object\":\"video\",\"model\":");
    llm_buf_json(out, c->conf->model.data, c->conf->model.len);
    llm_buf_puts(out, ",\"status\":\"");
    llm_buf_puts(out, state->status);
    llm_buf_puts(out, "\",\"progress\":");
    llm_buf_int(out, state->progress);
    llm_buf_puts(out, ",\"created_at\":");
    llm_buf_int(out, c->job.created);
    llm_buf_puts(out, ",\"completed_at\":null,\"expires_at\":null,"
                      "\"seconds\":\"");
    llm_buf_int(out, c->job.seconds);
    llm_buf_puts(out, "\",\"size\":");
    llm_buf_json(out, c->job.size.data, c->job.size.len);
    llm_buf_puts(out, ",\"prompt\":null,\"remixed_from_video_id\":null,"
                      "\"error\":");

    if (state->code.len == 0) {
        llm_buf_puts(out, "null}");
        return LLM_OK;
    }

    llm_buf_puts(out, "{\"code\":");
    llm_buf_json(out, state->code.data, state->code.len);
    llm_buf_puts(out, ",\"message\":");
    llm_buf_json(out, state->message.data, state->message.len);
    llm_buf_puts(out, "}}");

    return LLM_OK;
}


/*
 * The way to a video.  Google's file needs our key and is fetched from the
 * provider's own host, never from where its address points; xAI's is public.
 */

static int
llm_video_lead(llm_convert_t *c, const llm_video_state_t *state,
    llm_convert_answer_t *answer)
{
    llm_str_t  data;

    static const llm_str_t  mp4 = llm_string("video/mp4");
    static const llm_str_t  soon = llm_string("the video is not ready yet");
    static const llm_str_t  bucket = llm_string("the video lies in a bucket "
                                                "of its owner's");

    if (state->code.len) {
        return llm_convert_fail(c, LLM_FAULT_NOT_FOUND, 404, "video_failed",
                                &state->message);
    }

    if (strcmp(state->status, "completed") != 0) {
        return llm_convert_fail(c, LLM_FAULT_NOT_FOUND, 404,
                                "video_not_ready", &soon);
    }

    if (llm_form_type(&state->data) == LLM_JSON_STRING) {
        data.data = state->data.data + 1;
        data.len = state->data.len - 2;

        answer->status = 200;
        answer->type = llm_video_plain(&state->mime) ? state->mime : mp4;

        return llm_base64_decode(&answer->body, &data);
    }

    if (state->url.len == 0) {
        return llm_convert_fail(c, LLM_FAULT_NOT_FOUND, 404,
                                "video_not_found", &bucket);
    }

    return (c->host == LLM_HOST_XAI)
           ? llm_video_redirect(c, &state->url, answer)
           : llm_video_file(c, &state->url, answer);
}


static int
llm_video_file(llm_convert_t *c, const llm_str_t *url,
    llm_convert_answer_t *answer)
{
    size_t     i, end;
    llm_buf_t  b;
    llm_str_t  file;

    static const llm_str_t  files = llm_string("/files/");

    end = url->len;

    for (i = 0; i < end; i++) {
        if (url->data[i] == '?' || url->data[i] == '#') {
            end = i;
        }
    }

    for (i = end; i > files.len; i--) {

        if (memcmp(url->data + i - files.len, files.data, files.len) == 0) {
            break;
        }
    }

    file.data = url->data + i - files.len;
    file.len = end - i + files.len;

    if (i <= files.len || i == end || !llm_video_plain(&file)) {
        return LLM_INVALID;
    }

    llm_buf_init(&b, c->arena);

    llm_buf_add(&b, file.data, file.len);
    llm_buf_puts(&b, "?alt=media");

    if (b.failed) {
        return LLM_NOMEM;
    }

    c->file.data = b.data;
    c->file.len = b.len;

    answer->again = 1;

    return LLM_OK;
}


static int
llm_video_redirect(llm_convert_t *c, const llm_str_t *url,
    llm_convert_answer_t *answer)
{
    if (url->len <= 8 || memcmp(url->data, "https://", 8) != 0
        || !llm_video_plain(url))
    {
        return LLM_INVALID;
    }

    answer->status = 302;
    answer->location = *url;

    return LLM_OK;
}


/* bytes that may stand in a header or in a path, and lead nowhere else */

static unsigned
llm_video_plain(const llm_str_t *s)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < s->len; i++) {
        c = s->data[i];

        if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<'
            || c == '>' || (c == '.' && i && s->data[i - 1] == '.'))
        {
            return 0;
        }
    }

    return s->len != 0;
}


int
llm_video_id_print(llm_arena_t *arena, const llm_convert_job_t *job,
    llm_str_t *id)
{
    size_t     i;
    llm_buf_t  b, text;

    llm_buf_init(&text, arena);
    llm_buf_init(&b, arena);

    llm_buf_int(&text, job->seconds);
    llm_buf_puts(&text, "|");
    llm_buf_add(&text, job->size.data, job->size.len);
    llm_buf_puts(&text, "|");
    llm_buf_int(&text, job->created);
    llm_buf_puts(&text, "|");
    llm_buf_add(&text, job->name.data, job->name.len);

    llm_buf_puts(&b, LLM_VIDEO_PREFIX);
    llm_base64_encode(&b, text.data, text.len);

    if (b.failed || text.failed) {
        return LLM_NOMEM;
    }

    /* the alphabet of URLs, without padding */

    while (b.len && b.data[b.len - 1] == '=') {
        b.len--;
    }

    for (i = 0; i < b.len; i++) {

        if (b.data[i] == '+') {
            b.data[i] = '-';

        } else if (b.data[i] == '/') {
            b.data[i] = '_';
        }
    }

    id->data = b.data;
    id->len = b.len;

    return LLM_OK;
}


int
llm_video_id_read(llm_arena_t *arena, const llm_str_t *id,
    llm_convert_job_t *job)
{
    int        rc;
    size_t     pos;
    llm_buf_t  b;
    llm_str_t  text, seconds, created;

    static const llm_str_t  prefix = llm_string(LLM_VIDEO_PREFIX);

    if (id->len <= prefix.len
        || memcmp(id->data, prefix.data, prefix.len) != 0)
    {
        return LLM_INVALID;
    }

    text.data = id->data + prefix.len;
    text.len = id->len - prefix.len;

    llm_buf_init(&b, arena);

    rc = llm_base64_decode(&b, &text);

    if (rc != LLM_OK) {
        return rc;
    }

    text.data = b.data;
    text.len = b.len;

    pos = llm_video_field(&text, 0, &seconds);
    pos = llm_video_field(&text, pos, &job->size);
    pos = llm_video_field(&text, pos, &created);

    if (pos >= text.len
        || llm_json_int(&seconds, &job->seconds) != LLM_OK
        || llm_json_int(&created, &job->created) != LLM_OK)
    {
        return LLM_INVALID;
    }

    job->name.data = text.data + pos;
    job->name.len = text.len - pos;

    return LLM_OK;
}


/* up to the next bar; tells where the next field begins */

static size_t
llm_video_field(const llm_str_t *text, size_t pos, llm_str_t *field)
{
    size_t  start;

    start = pos;

    while (pos < text->len && text->data[pos] != '|') {
        pos++;
    }

    field->data = text->data + start;
    field->len = pos - start;

    return pos < text->len ? pos + 1 : text->len;
}
