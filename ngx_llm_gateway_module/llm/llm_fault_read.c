
/*
 * A provider's error, of any shape: what it says, and its class.
 */


#include "llm_failure.h"
#include "llm_fault.h"


#define LLM_FAULT_MAX_TEXT  200       /* of a body that is no JSON */


typedef struct {
    const char      *name;        /* in lower case */
    llm_fault_e      fault;
} llm_fault_name_t;


/* what a body tells, raw */

typedef struct {
    llm_str_t        message;
    llm_str_t        code;
    llm_str_t        type;
    llm_str_t        param;
    llm_str_t        inner;       /* code of an inner error */
    unsigned         found:1;
} llm_fault_told_t;


static void llm_fault_told(const llm_str_t *json, llm_fault_told_t *t);
static void llm_fault_told_error(const llm_str_t *error,
    llm_fault_told_t *t);
static unsigned llm_fault_detail(const llm_str_t *detail,
    llm_fault_told_t *t);
static int llm_fault_fill(llm_arena_t *arena, llm_dialect_e from,
    const llm_fault_told_t *t, llm_fault_t *fault);
static int llm_fault_text(llm_arena_t *arena, const llm_str_t *raw,
    llm_str_t *text);
static int llm_fault_plain(llm_arena_t *arena, int status,
    const llm_str_t *body, llm_fault_t *fault);
static llm_fault_e llm_fault_of(int status, const llm_fault_told_t *t,
    const llm_str_t *type, const llm_str_t *body, int64_t *delay);
static llm_fault_e llm_fault_of_status(int status);
static llm_fault_e llm_fault_by_names(const llm_fault_told_t *t,
    const llm_str_t *type);
static llm_fault_e llm_fault_by_name(const llm_str_t *name);
static int llm_fault_status(const llm_fault_told_t *t);


/* codes, types and status words; what several share means the same */

static const llm_fault_name_t  llm_fault_names[] = {
    { "context_length_exceeded", LLM_FAULT_CONTEXT },
    { "content_filter", LLM_FAULT_POLICY },
    { "content_policy_violation", LLM_FAULT_POLICY },
    { "moderation_blocked", LLM_FAULT_POLICY },
    { "responsibleaipolicyviolation", LLM_FAULT_POLICY },
    { "insufficient_quota", LLM_FAULT_QUOTA },
    { "billing_error", LLM_FAULT_QUOTA },
    { "billing_hard_limit_reached", LLM_FAULT_QUOTA },
    { "invalid_api_key", LLM_FAULT_AUTH },
    { "authentication_error", LLM_FAULT_AUTH },
    { "unauthenticated", LLM_FAULT_AUTH },
    { "unrecognizedclientexception", LLM_FAULT_AUTH },
    { "expiredtokenexception", LLM_FAULT_AUTH },
    { "invalidsignatureexception", LLM_FAULT_AUTH },
    { "unsupported_country_region_territory", LLM_FAULT_PERMISSION },
    { "permission_error", LLM_FAULT_PERMISSION },
    { "permission_denied", LLM_FAULT_PERMISSION },
    { "accessdeniedexception", LLM_FAULT_PERMISSION },
    { "model_not_found", LLM_FAULT_NOT_FOUND },
    { "not_found_error", LLM_FAULT_NOT_FOUND },
    { "not_found", LLM_FAULT_NOT_FOUND },
    { "deploymentnotfound", LLM_FAULT_NOT_FOUND },
    { "resourcenotfoundexception", LLM_FAULT_NOT_FOUND },
    { "request_too_large", LLM_FAULT_TOO_LARGE },
    { "rate_limit_error", LLM_FAULT_RATE },
    { "rate_limit_exceeded", LLM_FAULT_RATE },
    { "ratelimitreached", LLM_FAULT_RATE },
    { "resource_exhausted", LLM_FAULT_RATE },
    { "throttlingexception", LLM_FAULT_RATE },
    { "servicequotaexceededexception", LLM_FAULT_RATE },
    { "too_many_requests", LLM_FAULT_RATE },
    { "overloaded_error", LLM_FAULT_OVERLOADED },
    { "overloaded", LLM_FAULT_OVERLOADED },
    { "engine_overloaded", LLM_FAULT_OVERLOADED },
    { "unavailable", LLM_FAULT_OVERLOADED },
    { "service_unavailable", LLM_FAULT_OVERLOADED },
    { "serviceunavailableexception", LLM_FAULT_OVERLOADED },
    { "modelnotreadyexception", LLM_FAULT_OVERLOADED },
    { "timeout_error", LLM_FAULT_TIMEOUT },
    { "timeout", LLM_FAULT_TIMEOUT },
    { "deadline_exceeded", LLM_FAULT_TIMEOUT },
    { "modeltimeoutexception", LLM_FAULT_TIMEOUT },
    { "api_error", LLM_FAULT_SERVER },
    { "server_error", LLM_FAULT_SERVER },
    { "internal", LLM_FAULT_SERVER },
    { "internal_server_error", LLM_FAULT_SERVER },
    { "internalserverexception", LLM_FAULT_SERVER },
    { "modelerrorexception", LLM_FAULT_SERVER },
    { "modelstreamerrorexception", LLM_FAULT_SERVER },
    { "invalid_request_error", LLM_FAULT_INVALID },
    { "invalid_argument", LLM_FAULT_INVALID },
    { "failed_precondition", LLM_FAULT_INVALID },
    { "validationexception", LLM_FAULT_INVALID },
    { "aborted", LLM_FAULT_CONFLICT },
    { NULL, LLM_FAULT_NONE }
};


int
llm_fault_read(llm_arena_t *arena, llm_dialect_e from, int status,
    const llm_str_t *type, const llm_str_t *body, llm_fault_t *fault)
{
    int               rc;
    llm_json_e        json;
    llm_fault_told_t  told;

    memset(fault, 0, sizeof(llm_fault_t));
    memset(&told, 0, sizeof(llm_fault_told_t));

    fault->status = status;

    rc = llm_form_check(arena, body, &json);

    if (rc == LLM_NOMEM) {
        return LLM_NOMEM;
    }

    if (rc == LLM_OK) {
        llm_fault_told(body, &told);
    }

    rc = llm_fault_fill(arena, from, &told, fault);
    if (rc != LLM_OK) {
        return rc;
    }

    if (fault->message.len == 0) {

        rc = llm_fault_plain(arena, status, body, fault);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    fault->fault = llm_fault_of(status, &told, type, body,
                                &fault->retry_after);

    return LLM_OK;
}


int
llm_fault_tell(llm_translate_t *x, const llm_str_t *json)
{
    int               status;
    int64_t           delay;
    llm_str_t         none;
    llm_fault_e       fault;
    llm_fault_t       f;
    llm_fault_told_t  told;

    memset(&f, 0, sizeof(llm_fault_t));
    memset(&told, 0, sizeof(llm_fault_told_t));
    memset(&none, 0, sizeof(llm_str_t));

    llm_fault_told(json, &told);

    if (!told.found) {
        return LLM_DECLINED;
    }

    if (llm_fault_fill(x->arena, x->to->dialect, &told, &f) != LLM_OK) {
        x->nomem = 1;
        return LLM_OK;
    }

    /* the status that it would have come with, had it come earlier */

    status = llm_fault_status(&told);
    fault = llm_fault_of(status, &told, &none, json, &delay);

    llm_translate_error(x, fault, &f.code, &f.message);

    x->fault.status = status;
    x->fault.param = f.param;
    x->fault.retry_after = delay;

    return LLM_OK;
}


static void
llm_fault_told(const llm_str_t *json, llm_fault_told_t *t)
{
    unsigned    i;
    llm_str_t   v;
    llm_walk_t  w;

    static const char  *messages[] = { "message", "Message" };

    v = *json;

    if (llm_form_type(&v) == LLM_JSON_ARRAY) {
        llm_walk_open(&w, json);

        if (!llm_walk_element(&w, &v)) {
            return;
        }
    }

    if (llm_form_type(&v) != LLM_JSON_OBJECT) {
        return;
    }

    llm_fault_told_error(&v, t);

    if (t->found) {
        return;
    }

    for (i = 0; i < 2; i++) {

        if (llm_form_member(&v, messages[i], &t->message) == LLM_OK
            && llm_form_type(&t->message) == LLM_JSON_STRING)
        {
            t->found = 1;
            break;
        }
    }

    if (!t->found && llm_form_member(&v, "detail", &t->message) == LLM_OK) {
        t->found = llm_fault_detail(&t->message, t);
    }

    if (!t->found) {
        t->message.len = 0;
        return;
    }

    llm_form_member(&v, "code", &t->code);
    llm_form_member(&v, "param", &t->param);

    if (llm_form_member(&v, "__type", &t->type) != LLM_OK
        && llm_form_member(&v, "error_type", &t->type) != LLM_OK)
    {
        llm_form_member(&v, "type", &t->type);
    }
}


/* the member "error": an object, or the message itself */

static void
llm_fault_told_error(const llm_str_t *json, llm_fault_told_t *t)
{
    llm_str_t  error, inner;

    if (llm_form_member(json, "error", &error) != LLM_OK) {
        return;
    }

    if (llm_form_type(&error) == LLM_JSON_STRING) {
        t->found = 1;
        t->message = error;
        llm_form_member(json, "code", &t->code);
        llm_form_member(json, "type", &t->type);
        return;
    }

    if (llm_form_type(&error) != LLM_JSON_OBJECT) {
        return;
    }

    t->found = 1;

    llm_form_member(&error, "message", &t->message);
    llm_form_member(&error, "code", &t->code);
    llm_form_member(&error, "param", &t->param);

    if (llm_form_member(&error, "type", &t->type) != LLM_OK
        || llm_form_type(&t->type) != LLM_JSON_STRING)
    {
        llm_form_member(&error, "status", &t->type);
    }

    if (llm_form_member(&error, "innererror", &inner) == LLM_OK) {
        llm_form_member(&inner, "code", &t->inner);
    }
}


/* a string, or a list of what is wrong with the request */

static unsigned
llm_fault_detail(const llm_str_t *detail, llm_fault_told_t *t)
{
    llm_str_t   v;
    llm_walk_t  w;

    if (llm_form_type(detail) == LLM_JSON_STRING) {
        t->message = *detail;
        return 1;
    }

    if (llm_form_type(detail) != LLM_JSON_ARRAY) {
        return 0;
    }

    llm_walk_open(&w, detail);

    return llm_walk_element(&w, &v)
           && llm_form_member(&v, "msg", &t->message) == LLM_OK;
}


/* only OpenAI's protocols have codes that its clients know */

static int
llm_fault_fill(llm_arena_t *arena, llm_dialect_e from,
    const llm_fault_told_t *t, llm_fault_t *fault)
{
    fault->retry_after = -1;

    if (llm_fault_text(arena, &t->message, &fault->message) != LLM_OK
        || llm_fault_text(arena, &t->param, &fault->param) != LLM_OK)
    {
        return LLM_NOMEM;
    }

    if (from != LLM_DIALECT_CHAT && from != LLM_DIALECT_RESPONSES) {
        return LLM_OK;
    }

    return llm_fault_text(arena, &t->code, &fault->code);
}


/* a copy: the text that it comes from may go */

static int
llm_fault_text(llm_arena_t *arena, const llm_str_t *raw, llm_str_t *text)
{
    llm_str_t  s;

    text->len = 0;
    text->data = NULL;

    switch (llm_form_string(arena, raw, &s)) {

    case LLM_OK:
        return llm_str_dup(arena, text, s.data, s.len);

    case LLM_NOMEM:
        return LLM_NOMEM;

    default:
        return LLM_OK;
    }
}


/* text that is no JSON, if it is for people to read; never a page */

static int
llm_fault_plain(llm_arena_t *arena, int status, const llm_str_t *body,
    llm_fault_t *fault)
{
    size_t     i, len, n;
    llm_buf_t  b;

    llm_buf_init(&b, arena);

    for (i = 0; i < body->len && body->data[i] <= ' '; i++) { /* void */ }

    if (i == body->len || body->data[i] == '<' || body->data[i] == '{'
        || body->data[i] == '[')
    {
        llm_buf_puts(&b, "the provider failed with status ");
        llm_buf_int(&b, status);

    } else {
        len = body->len - i;

        if (len > LLM_FAULT_MAX_TEXT) {
            len = LLM_FAULT_MAX_TEXT;
        }

        /* no character is cut in two */

        for (n = 1; n < 4 && n < len
                    && (body->data[i + len - n] & 0xc0) == 0x80; n++)
        {
            /* void */
        }

        if (body->data[i + len - n] >= 0xc0
            && llm_utf8(body->data + i + len - n, n) != n)
        {
            len -= n;
        }

        llm_buf_add(&b, body->data + i, len);
    }

    fault->message.data = b.data;
    fault->message.len = b.len;

    return b.failed ? LLM_NOMEM : LLM_OK;
}


/*
 * The ladder's own judgement first, so that both agree on what may be tried
 * elsewhere; names tell the rest.
 */

static llm_fault_e
llm_fault_of(int status, const llm_fault_told_t *t, const llm_str_t *type,
    const llm_str_t *body, int64_t *delay)
{
    llm_fault_e    named, fault;
    llm_failure_t  f;

    llm_failure_read((unsigned) status, body, &f);

    *delay = f.delay_ms;

    named = llm_fault_by_names(t, type);

    switch (f.kind) {

    case LLM_FAILURE_CONTEXT:
        return LLM_FAULT_CONTEXT;

    case LLM_FAILURE_429:
        return f.spent ? LLM_FAULT_QUOTA : LLM_FAULT_RATE;

    case LLM_FAILURE_TIMEOUT:
        return LLM_FAULT_TIMEOUT;

    case LLM_FAILURE_AUTH:

        /* a 403 that says no more is about the credential */

        return (status == 403 && named != LLM_FAULT_NONE
                && named != LLM_FAULT_AUTH)
               ? LLM_FAULT_PERMISSION : LLM_FAULT_AUTH;

    default:
        break;
    }

    fault = llm_fault_of_status(status);

    switch (named) {

    case LLM_FAULT_NONE:
    case LLM_FAULT_INVALID:
        return fault;

    case LLM_FAULT_SERVER:
        return fault == LLM_FAULT_INVALID ? LLM_FAULT_SERVER : fault;

    default:
        return named;
    }
}


static llm_fault_e
llm_fault_of_status(int status)
{
    switch (status) {

    case 404:
        return LLM_FAULT_NOT_FOUND;

    case 403:
        return LLM_FAULT_POLICY;

    case 409:
        return LLM_FAULT_CONFLICT;

    case 413:
        return LLM_FAULT_TOO_LARGE;

    case 424:
        return LLM_FAULT_SERVER;

    case 503:
    case 529:
        return LLM_FAULT_OVERLOADED;

    case 504:
        return LLM_FAULT_TIMEOUT;

    default:
        return (status >= 400 && status < 500) ? LLM_FAULT_INVALID
                                               : LLM_FAULT_SERVER;
    }
}


static llm_fault_e
llm_fault_by_names(const llm_fault_told_t *t, const llm_str_t *type)
{
    size_t            i;
    llm_str_t         s;
    llm_fault_e       fault;
    const llm_str_t  *names[4];

    names[0] = &t->inner;
    names[1] = &t->code;
    names[2] = &t->type;
    names[3] = type;

    for (i = 0; i < 4; i++) {
        s = *names[i];

        if (s.len >= 2 && s.data[0] == '"') {
            s.data++;
            s.len -= 2;
        }

        fault = llm_fault_by_name(&s);

        if (fault != LLM_FAULT_NONE) {
            return fault;
        }
    }

    return LLM_FAULT_NONE;
}


/* of a type of AWS: "com.amazon#ThrottlingException:http://..." */

static llm_fault_e
llm_fault_by_name(const llm_str_t *name)
{
    size_t                   i, len;
    unsigned char            c, *p, *hash;
    const llm_fault_name_t  *n;

    p = name->data;
    len = name->len;

    if (len == 0) {
        return LLM_FAULT_NONE;
    }

    hash = memchr(p, '#', len);

    if (hash) {
        len -= (size_t) (hash + 1 - p);
        p = hash + 1;
    }

    hash = len ? memchr(p, ':', len) : NULL;

    if (hash) {
        len = (size_t) (hash - p);
    }

    for (n = llm_fault_names; n->name; n++) {

        if (strlen(n->name) != len) {
            continue;
        }

        for (i = 0; i < len; i++) {
            c = p[i];

            if (c >= 'A' && c <= 'Z') {
                c |= 0x20;
            }

            if (c != (unsigned char) n->name[i]) {
                break;
            }
        }

        if (i == len) {
            return n->fault;
        }
    }

    return LLM_FAULT_NONE;
}


/* of an error that came in a stream: as it says, or as its name implies */

static int
llm_fault_status(const llm_fault_told_t *t)
{
    int64_t    n;
    llm_str_t  none;

    static const int  statuses[LLM_FAULT_N] = {
        500, 400, 400, 400, 401, 403, 404, 413, 429, 429, 529, 500, 504, 409
    };

    if (llm_form_type(&t->code) == LLM_JSON_NUMBER
        && llm_json_int(&t->code, &n) == LLM_OK && n >= 400 && n < 600)
    {
        return (int) n;
    }

    memset(&none, 0, sizeof(llm_str_t));

    return statuses[llm_fault_by_names(t, &none)];
}
