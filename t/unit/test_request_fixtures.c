
/*
 * Requests as clients sent them to providers: operation, model and numbers,
 * against what cJSON reads.  The directory of recordings is LLM_FIXTURES, or
 * ../shared/fixtures; without it nothing is tested.
 */


#define _GNU_SOURCE

#include "unit.h"
#include "llm_request.h"

#include <cjson/cJSON.h>
#include <ftw.h>


static unsigned  files, families[LLM_OP_N];


static char *
slurp(const char *name, size_t *len)
{
    long   size;
    char  *data;
    FILE  *f;

    f = fopen(name, "rb");

    if (f == NULL) {
        return NULL;
    }

    fseek(f, 0, SEEK_END);
    size = ftell(f);
    rewind(f);

    data = malloc(size + 1);
    *len = fread(data, 1, size, f);
    data[*len] = '\0';

    fclose(f);

    return data;
}


static int64_t
number(const cJSON *json, const char *parent, const char *name)
{
    if (parent) {
        json = cJSON_GetObjectItemCaseSensitive(json, parent);
    }

    json = cJSON_GetObjectItemCaseSensitive(json, name);

    return cJSON_IsNumber(json) ? (int64_t) json->valuedouble : -1;
}


static int64_t
max_tokens(const cJSON *json)
{
    int64_t   n, max;
    unsigned  i;

    static const char  *names[][2] = {
        { NULL, "max_tokens" },
        { NULL, "max_completion_tokens" },
        { NULL, "max_output_tokens" },
        { "generationConfig", "maxOutputTokens" },
        { "generation_config", "max_output_tokens" }
    };

    max = -1;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        n = number(json, names[i][0], names[i][1]);
        max = n > max ? n : max;
    }

    return max;
}


static void
check(const char *name, const llm_target_t *target, char *data, size_t len)
{
    int                rc;
    size_t             cut;
    cJSON             *json, *item;
    unsigned           n, stream;
    llm_scan_t        *scan;
    llm_arena_t       *arena;
    llm_error_t        err;
    llm_request_t      req;
    const llm_pick_t  *picks;

    arena = llm_arena_create((size_t) 64 << 20);
    json = cJSON_ParseWithLength(data, len);

    picks = llm_request_picks(target->op, &n);
    scan = llm_scan_create(arena, picks, n, LLM_SCAN_MEMBERS);
    cut = len / 2;

    rc = llm_scan_feed(scan, (unsigned char *) data, cut);

    if (rc == LLM_OK) {
        rc = llm_scan_feed(scan, (unsigned char *) data + cut, len - cut);
    }

    ok(json && rc == LLM_OK && llm_scan_end(scan) == LLM_OK, "%s: scanned",
       name);

    memset(&err, 0, sizeof(err));
    rc = llm_request_read_json(target->op, scan, arena, &req, &err);

    ok(rc == LLM_OK, "%s: read %.*s", name, (int) err.message.len,
       (char *) err.message.data);

    if (rc == LLM_OK) {
        item = cJSON_GetObjectItemCaseSensitive(json, "model");

        is_str(req.model, target->op->flags & LLM_OP_MODEL_BODY
                              && cJSON_IsString(item)
                          ? item->valuestring : "", "its model");

        item = cJSON_GetObjectItemCaseSensitive(json, "stream");
        stream = cJSON_IsTrue(item);

        item = cJSON_GetObjectItemCaseSensitive(json, "stream_format");
        stream |= (cJSON_IsString(item)
                   && strcmp(item->valuestring, "sse") == 0);

        is_int(req.stream, target->op->flags & LLM_OP_STREAM && stream,
               "its stream");

        item = cJSON_GetObjectItemCaseSensitive(json, "tools");
        is_int(req.tools, n > 2 && cJSON_GetArraySize(item) > 0, "its tools");

        is_int(req.max_tokens, n > 2 ? max_tokens(json) : -1, "its maximum");
    }

    cJSON_Delete(json);
    llm_arena_free(arena);
}


static int
visit(const char *name, const struct stat *st, int type, struct FTW *ftw)
{
    char          *meta, *body, request[4096];
    size_t         len;
    cJSON         *json, *url;
    llm_str_t      method, path, args;
    llm_target_t   target;
    const char    *p;

    static const char  suffix[] = ".meta.json";

    len = strlen(name);

    if (type != FTW_F || len < sizeof(suffix) || len >= sizeof(request)
        || strcmp(name + len - sizeof(suffix) + 1, suffix) != 0)
    {
        return 0;
    }

    snprintf(request, sizeof(request), "%.*s.request.json",
             (int) (len - sizeof(suffix) + 1), name);

    meta = slurp(name, &len);
    json = cJSON_Parse(meta);
    free(meta);

    url = cJSON_GetObjectItem(json, "url");
    body = slurp(request, &len);

    /* a body that a provider took must not be refused here */

    if (body == NULL || !cJSON_IsString(url)
        || cJSON_GetObjectItem(json, "status")->valueint != 200)
    {
        free(body);
        cJSON_Delete(json);
        return 0;
    }

    p = strstr(url->valuestring, "://");
    p = strchr(p + 3, '/');

    path = unit_str(p);
    path.len = strcspn(p, "?");
    args = unit_str(p + path.len + (p[path.len] == '?'));
    method = unit_str("POST");

    if (llm_endpoint_find(&method, &path, &args, &target) == LLM_OK) {
        files++;
        families[target.op->op]++;
        check(name, &target, body, len);

        is_int(target.array, target.op->op == LLM_OP_GENERATE_STREAM
                             && strstr(name, "/streamarray") != NULL,
               "whether it asks for an array");
    }

    free(body);
    cJSON_Delete(json);

    return 0;
}


int
main(void)
{
    const char  *dir;

    plan(0);

    dir = getenv("LLM_FIXTURES");

    if (dir == NULL) {
        dir = "../shared/fixtures";
    }

    if (nftw(dir, visit, 16, FTW_PHYS) != 0) {
        ok(1, "no recordings # SKIP no directory \"%s\"", dir);
        return unit_end();
    }

    ok(files > 50, "%u requests were read", files);
    ok(families[LLM_OP_CHAT] && families[LLM_OP_RESPONSES]
       && families[LLM_OP_MESSAGES] && families[LLM_OP_GENERATE]
       && families[LLM_OP_GENERATE_STREAM],
       "of all conversation families");

    return unit_end();
}
