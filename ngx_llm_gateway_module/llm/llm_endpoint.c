
#include "llm_endpoint.h"
#include "llm_endpoint_host.h"


#define LLM_METHOD_GET      0x01
#define LLM_METHOD_POST     0x02
#define LLM_METHOD_DELETE   0x04


/* an operation on one object: name, one path segment as id, suffix */

typedef struct {
    llm_op_e         op;
    unsigned         method;
    llm_str_t        name;
    llm_str_t        suffix;
} llm_object_row_t;


typedef struct {
    llm_op_e         op;
    llm_str_t        verb;
} llm_verb_row_t;


static unsigned llm_endpoint_method(const llm_str_t *method);
static int llm_endpoint_find_fixed(const llm_str_t *path,
    llm_target_t *target);
static int llm_endpoint_find_object(unsigned method, const llm_str_t *path,
    llm_target_t *target);
static int llm_endpoint_find_verb(const llm_str_t *path, const llm_str_t *args,
    llm_target_t *target);
static int llm_endpoint_find_operation(const llm_str_t *path,
    llm_target_t *target);
static int llm_endpoint_find_models(const llm_str_t *path,
    llm_target_t *target);
static unsigned llm_endpoint_tail(const llm_str_t *path,
    const llm_str_t *tail);
static unsigned llm_endpoint_resource(const llm_str_t *path, llm_str_t *name);
static unsigned llm_endpoint_sse(const llm_str_t *args);
static int llm_endpoint_check(const llm_str_t *s, unsigned nested);


/* rows with a suffix first: an id may be any word, a suffix is a fixed one */

static const llm_object_row_t  llm_endpoint_objects[] = {

    { LLM_OP_RESPONSE_CANCEL, LLM_METHOD_POST,
      llm_string("/responses/"), llm_string("/cancel") },

    { LLM_OP_RESPONSE_ITEMS, LLM_METHOD_GET,
      llm_string("/responses/"), llm_string("/input_items") },

    { LLM_OP_VIDEO_CONTENT, LLM_METHOD_GET,
      llm_string("/videos/"), llm_string("/content") },

    { LLM_OP_VIDEO_REMIX, LLM_METHOD_POST,
      llm_string("/videos/"), llm_string("/remix") },

    { LLM_OP_RESPONSE_GET, LLM_METHOD_GET,
      llm_string("/responses/"), llm_string("") },

    { LLM_OP_RESPONSE_DELETE, LLM_METHOD_DELETE,
      llm_string("/responses/"), llm_string("") },

    { LLM_OP_VIDEO_GET, LLM_METHOD_GET,
      llm_string("/videos/"), llm_string("") },

    { LLM_OP_VIDEO_DELETE, LLM_METHOD_DELETE,
      llm_string("/videos/"), llm_string("") },

    { LLM_OP_NONE, 0, { 0, NULL }, { 0, NULL } }
};


static const llm_verb_row_t  llm_endpoint_verbs[] = {
    { LLM_OP_GENERATE, llm_string("generateContent") },
    { LLM_OP_GENERATE_STREAM, llm_string("streamGenerateContent") },
    { LLM_OP_GEMINI_COUNT, llm_string("countTokens") },
    { LLM_OP_GEMINI_EMBED, llm_string("embedContent") },
    { LLM_OP_GEMINI_BATCH_EMBED, llm_string("batchEmbedContents") },
    { LLM_OP_GEMINI_LONG, llm_string("predictLongRunning") },
    { LLM_OP_NONE, { 0, NULL } }
};


static const llm_str_t  llm_endpoint_models = llm_string("/models/");
static const llm_str_t  llm_endpoint_tuned = llm_string("/tunedModels/");
static const llm_str_t  llm_endpoint_operations = llm_string("/operations/");


int
llm_endpoint_find(const llm_str_t *method, const llm_str_t *path,
    const llm_str_t *args, llm_target_t *target)
{
    unsigned   m;
    llm_str_t  p;

    memset(target, 0, sizeof(llm_target_t));
    target->op = &llm_ops[LLM_OP_NONE];

    m = llm_endpoint_method(method);

    p = *path;

    if (p.len > 1 && p.data[p.len - 1] == '/') {
        p.len--;
    }

    if (m == 0 || p.len == 0) {
        return LLM_DECLINED;
    }

    if (m == LLM_METHOD_POST && llm_endpoint_find_fixed(&p, target) == LLM_OK) {
        return LLM_OK;
    }

    if (llm_endpoint_find_object(m, &p, target) == LLM_OK) {
        return LLM_OK;
    }

    if (m == LLM_METHOD_POST) {
        return llm_endpoint_find_verb(&p, args, target);
    }

    if (m == LLM_METHOD_GET) {

        if (llm_endpoint_find_operation(&p, target) == LLM_OK) {
            return LLM_OK;
        }

        return llm_endpoint_find_models(&p, target);
    }

    return LLM_DECLINED;
}


static unsigned
llm_endpoint_method(const llm_str_t *method)
{
    if (llm_str_is(method, "POST")) {
        return LLM_METHOD_POST;
    }

    if (llm_str_is(method, "GET") || llm_str_is(method, "HEAD")) {
        return LLM_METHOD_GET;
    }

    if (llm_str_is(method, "DELETE")) {
        return LLM_METHOD_DELETE;
    }

    return 0;
}


static int
llm_endpoint_find_fixed(const llm_str_t *path, llm_target_t *target)
{
    unsigned         i;
    const llm_op_t  *op;

    for (i = 1; i < LLM_OP_N; i++) {
        op = &llm_ops[i];

        if (op->path.len == 0
            || (op->flags & (LLM_OP_LOCAL|LLM_OP_UPSTREAM)))
        {
            continue;
        }

        if (llm_endpoint_tail(path, &op->path)) {
            target->op = op;
            return LLM_OK;
        }
    }

    return LLM_DECLINED;
}


static int
llm_endpoint_find_object(unsigned method, const llm_str_t *path,
    llm_target_t *target)
{
    llm_str_t                head, id;
    const llm_object_row_t  *row;

    for (row = llm_endpoint_objects; row->method; row++) {

        if (row->method != method || !llm_endpoint_tail(path, &row->suffix)) {
            continue;
        }

        head = *path;
        head.len -= row->suffix.len;

        id.len = 0;

        while (head.len && head.data[head.len - 1] != '/') {
            head.len--;
            id.len++;
        }

        if (id.len == 0 || !llm_endpoint_tail(&head, &row->name)) {
            continue;
        }

        id.data = head.data + head.len;

        target->op = &llm_ops[row->op];
        target->id = id;

        return LLM_OK;
    }

    return LLM_DECLINED;
}


static int
llm_endpoint_find_verb(const llm_str_t *path, const llm_str_t *args,
    llm_target_t *target)
{
    llm_str_t              head, verb;
    const llm_verb_row_t  *row;

    head = *path;
    verb.len = 0;

    while (head.len && head.data[head.len - 1] != ':') {
        head.len--;
        verb.len++;
    }

    if (head.len == 0) {
        return LLM_DECLINED;
    }

    verb.data = head.data + head.len;
    head.len--;

    for (row = llm_endpoint_verbs; row->verb.len; row++) {

        if (row->verb.len != verb.len
            || memcmp(row->verb.data, verb.data, verb.len) != 0)
        {
            continue;
        }

        if (!llm_endpoint_resource(&head, &target->model)) {
            return LLM_DECLINED;
        }

        /* "models/" goes without saying, "tunedModels/" is a part of a name */

        if (target->model.data[0] == 'm') {
            target->model.data += sizeof("models/") - 1;
            target->model.len -= sizeof("models/") - 1;
        }

        target->op = &llm_ops[row->op];
        target->array = (row->op == LLM_OP_GENERATE_STREAM
                         && !llm_endpoint_sse(args));

        return LLM_OK;
    }

    return LLM_DECLINED;
}


static int
llm_endpoint_find_operation(const llm_str_t *path, llm_target_t *target)
{
    if (llm_endpoint_operation(path, &target->id) != LLM_OK) {
        return LLM_DECLINED;
    }

    target->op = &llm_ops[LLM_OP_OPERATION_GET];

    return LLM_OK;
}


int
llm_endpoint_operation(const llm_str_t *name, llm_str_t *id)
{
    llm_str_t  head, model;

    head = *name;

    while (head.len && head.data[head.len - 1] != '/') {
        head.len--;
    }

    if (head.len == name->len) {
        return LLM_DECLINED;
    }

    if (llm_str_is(&head, "operations/")) {
        *id = *name;
        return LLM_OK;
    }

    if (!llm_endpoint_tail(&head, &llm_endpoint_operations)) {
        return LLM_DECLINED;
    }

    head.len -= llm_endpoint_operations.len;

    if (llm_endpoint_resource(&head, &model)) {
        id->data = model.data;

    } else if ((head.len > 7 && memcmp(head.data, "models/", 7) == 0)
               || (head.len > 12
                   && memcmp(head.data, "tunedModels/", 12) == 0))
    {
        id->data = head.data;

    } else {
        id->data = head.data + head.len + 1;
    }

    id->len = name->data + name->len - id->data;

    return LLM_OK;
}


static int
llm_endpoint_find_models(const llm_str_t *path, llm_target_t *target)
{
    llm_str_t  name;

    if (llm_endpoint_tail(path, &llm_ops[LLM_OP_MODELS].path)) {
        target->op = &llm_ops[LLM_OP_MODELS];
        return LLM_OK;
    }

    if (!llm_endpoint_resource(path, &name) || name.data[0] != 'm') {
        return LLM_DECLINED;
    }

    target->op = &llm_ops[LLM_OP_MODEL];
    target->model.data = name.data + sizeof("models/") - 1;
    target->model.len = name.len - (sizeof("models/") - 1);

    return LLM_OK;
}


static unsigned
llm_endpoint_tail(const llm_str_t *path, const llm_str_t *tail)
{
    return path->len >= tail->len
           && memcmp(path->data + path->len - tail->len, tail->data,
                     tail->len) == 0;
}


/*
 * "models/NAME" or "tunedModels/NAME" at the end of path: the last one that
 * leaves a name.  A prefix may hold such words, too.
 */

static unsigned
llm_endpoint_resource(const llm_str_t *path, llm_str_t *name)
{
    size_t            i;
    unsigned          n;
    llm_str_t         head;
    const llm_str_t  *words[2];

    words[0] = &llm_endpoint_models;
    words[1] = &llm_endpoint_tuned;

    head.data = path->data;

    for (i = path->len; i > 1; i--) {

        if (path->data[i - 2] != '/') {
            continue;
        }

        /* a name begins at i - 1 */

        head.len = i - 1;

        for (n = 0; n < 2; n++) {

            if (!llm_endpoint_tail(&head, words[n])) {
                continue;
            }

            name->data = head.data + head.len - words[n]->len + 1;
            name->len = path->data + path->len - name->data;

            return 1;
        }
    }

    return 0;
}


/* Google takes the parameter as "$alt", too, and options behind a semicolon */

static unsigned
llm_endpoint_sse(const llm_str_t *args)
{
    size_t          len;
    unsigned char  *p, *last;

    if (args->len == 0) {
        return 0;
    }

    p = args->data;
    last = p + args->len;

    while (p < last) {
        len = 0;

        while (p + len < last && p[len] != '&') {
            len++;
        }

        if (len && p[0] == '$') {
            p++;
            len--;

        } else if (len > 3 && memcmp(p, "%24", 3) == 0) {
            p += 3;
            len -= 3;
        }

        if (len >= 7 && memcmp(p, "alt=sse", 7) == 0
            && (len == 7 || p[7] == ';' || p[7] == '%'))
        {
            return 1;
        }

        p += len;

        if (p < last) {
            p++;
        }
    }

    return 0;
}


int
llm_endpoint_path(const llm_op_t *op, const llm_str_t *model,
    const llm_str_t *id, llm_buf_t *out)
{
    const llm_verb_row_t    *verb;
    const llm_object_row_t  *row;

    if ((op->flags & LLM_OP_UPSTREAM) && op->path.len == 0) {
        return llm_endpoint_host_path(op, model, out);
    }

    if (op->flags & LLM_OP_MODEL_PATH) {

        if (llm_endpoint_check(model, 1) != LLM_OK) {
            return LLM_INVALID;
        }

        for (verb = llm_endpoint_verbs; verb->verb.len; verb++) {

            if (verb->op != op->op) {
                continue;
            }

            if ((model->len > 7 && memcmp(model->data, "models/", 7) == 0)
                || (model->len > 12
                    && memcmp(model->data, "tunedModels/", 12) == 0))
            {
                llm_buf_puts(out, "/");

            } else {
                llm_buf_puts(out, "/models/");
            }

            llm_endpoint_escape(model, 1, out);
            llm_buf_puts(out, ":");
            llm_buf_add(out, verb->verb.data, verb->verb.len);

            return LLM_OK;
        }

        return LLM_INVALID;
    }

    if (op->op == LLM_OP_OPERATION_GET) {

        if (llm_endpoint_check(id, 1) != LLM_OK) {
            return LLM_INVALID;
        }

        llm_buf_puts(out, "/");
        llm_endpoint_escape(id, 1, out);

        return LLM_OK;
    }

    if (op->flags & LLM_OP_BY_ID) {

        if (llm_endpoint_check(id, 0) != LLM_OK) {
            return LLM_INVALID;
        }

        for (row = llm_endpoint_objects; row->method; row++) {

            if (row->op == op->op) {
                llm_buf_add(out, row->name.data, row->name.len);
                llm_endpoint_escape(id, 0, out);
                llm_buf_add(out, row->suffix.data, row->suffix.len);

                return LLM_OK;
            }
        }

        return LLM_INVALID;
    }

    if (op->path.len == 0) {
        return LLM_INVALID;
    }

    llm_buf_add(out, op->path.data, op->path.len);

    return LLM_OK;
}


int
llm_endpoint_segment(const llm_str_t *model, llm_buf_t *out)
{
    if (llm_endpoint_check(model, 1) != LLM_OK) {
        return LLM_INVALID;
    }

    llm_buf_puts(out, "/");
    llm_endpoint_escape(model, 0, out);

    return LLM_OK;
}


int
llm_endpoint_check_model(const llm_str_t *model)
{
    return llm_endpoint_check(model, 1);
}


/*
 * What a path must not hold even when encoded: many servers decode before
 * they look for "..".  nested: slashes and colons separate segments.
 */

static int
llm_endpoint_check(const llm_str_t *s, unsigned nested)
{
    size_t         i, len;
    unsigned       dots;
    unsigned char  c;

    len = 0;
    dots = 0;

    for (i = 0; i < s->len; i++) {
        c = s->data[i];

        if (c < 0x20 || c == 0x7f) {
            return LLM_INVALID;
        }

        if (c == '/' && !nested) {
            return LLM_INVALID;
        }

        if (nested && (c == '/' || c == ':')) {

            if (len == 0 || (len == dots && len <= 2)) {
                return LLM_INVALID;
            }

            len = 0;
            dots = 0;

            continue;
        }

        len++;

        if (c == '.') {
            dots++;
        }
    }

    if (len == 0 || (len == dots && len <= 2)) {
        return LLM_INVALID;
    }

    return LLM_OK;
}


void
llm_endpoint_escape(const llm_str_t *s, unsigned nested, llm_buf_t *out)
{
    size_t                i, start;
    unsigned char         c, escape[3];
    static unsigned char  hex[] = "0123456789ABCDEF";

    start = 0;

    for (i = 0; i < s->len; i++) {
        c = s->data[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
            || (c >= '0' && c <= '9')
            || c == '-' || c == '.' || c == '_' || c == '~'
            || (nested && (c == '/' || c == ':')))
        {
            continue;
        }

        llm_buf_add(out, s->data + start, i - start);

        escape[0] = '%';
        escape[1] = hex[c >> 4];
        escape[2] = hex[c & 0xf];

        llm_buf_add(out, escape, 3);

        start = i + 1;
    }

    llm_buf_add(out, s->data + start, s->len - start);
}
