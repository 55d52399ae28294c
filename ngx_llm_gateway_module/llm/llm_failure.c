
/*
 * Providers' HTTP errors, told apart by status and by what their bodies say.
 * Bodies quote what callers wrote: what sets an account aside is therefore
 * looked for in the members that tell it, not in the whole text.
 */


#include "llm_failure.h"
#include "llm_pace.h"


/* where a member's value is to have the text */

typedef enum {
    LLM_FAILURE_WHOLE = 0,
    LLM_FAILURE_BEGINS,
    LLM_FAILURE_HOLDS
} llm_failure_where_e;


/* member and text in lower case */

typedef struct {
    const char           *name;
    const char           *value;
    llm_failure_where_e   where;
} llm_failure_member_t;


static unsigned llm_failure_has(const llm_str_t *body, const char **texts);
static unsigned llm_failure_tells(const llm_str_t *body,
    const llm_failure_member_t *m);
static unsigned llm_failure_value(const llm_str_t *text,
    const llm_failure_member_t *m);
static llm_str_t llm_failure_next(llm_str_t *rest, const char *name);
static const unsigned char *llm_failure_find(const unsigned char *p,
    size_t len, const char *text);
static unsigned llm_failure_starts(const unsigned char *p, size_t len,
    const char *text, size_t n);
static int64_t llm_failure_delay(const llm_str_t *body);


const llm_str_t  llm_failure_names[LLM_FAILURE_N] = {
    llm_string("none"),
#define LLM_FAILURE_NAME(f, name)  llm_string(#name),
    LLM_FAILURE_MAP(LLM_FAILURE_NAME)
#undef LLM_FAILURE_NAME
    llm_string("caller")
};


/* how providers say that a prompt is too long for their model */

static const char  *llm_failure_context_texts[] = {
    "context_length_exceeded",
    "exceed_context_size_error",
    "prompt is too long",
    "maximum context length",
    "maximum prompt length",
    "exceed context limit",
    "exceeds the maximum number of tokens",
    "input is too long for requested model",
    "input tokens exceeded",
    "exceeds maximum length",
    "too many tokens",
    "exceeded max context length",
    "total length of all messages is too long",
    NULL
};


/* that a 403 is about what the caller wrote */

static const char  *llm_failure_content_texts[] = {
    "content_policy",
    "content_filter",
    "flagged_input",
    "moderation_blocked",
    "input was flagged",
    NULL
};


/* that a 403 is about one model: by its name, or as a resource */

static const llm_failure_member_t  llm_failure_model_members[] = {
    { "\"code\"", "model_", LLM_FAILURE_BEGINS },
    { "\"param\"", "model", LLM_FAILURE_WHOLE },
    { "\"message\"", "model", LLM_FAILURE_HOLDS },
    { "\"error\"", "model", LLM_FAILURE_HOLDS },
    { NULL, NULL, 0 }
};


/* a credential that is refused under another status than 401 and 403 */

static const llm_failure_member_t  llm_failure_auth_members[] = {
    { "\"reason\"", "api_key_invalid", LLM_FAILURE_WHOLE },
    { "\"error\"", "incorrect api key provided", LLM_FAILURE_BEGINS },
    { "\"message\"", "incorrect api key provided", LLM_FAILURE_BEGINS },
    { NULL, NULL, 0 }
};


/* an account without money, or without quota for longer than a minute */

static const llm_failure_member_t  llm_failure_spent_members[] = {
    { "\"code\"", "insufficient_quota", LLM_FAILURE_WHOLE },
    { "\"type\"", "insufficient_quota", LLM_FAILURE_WHOLE },
    { "\"code\"", "billing_not_active", LLM_FAILURE_WHOLE },
    { "\"code\"", "billing_hard_limit_reached", LLM_FAILURE_WHOLE },
    { "\"message\"", "your credit balance is too low", LLM_FAILURE_BEGINS },
    { "\"quotaid\"", "perday", LLM_FAILURE_HOLDS },
    { NULL, NULL, 0 }
};


/* a quota of one model */

static const llm_failure_member_t  llm_failure_quota_members[] = {
    { "\"quotaid\"", "permodel", LLM_FAILURE_HOLDS },
    { NULL, NULL, 0 }
};


llm_failure_e
llm_failure_by_name(const llm_str_t *name)
{
    unsigned  i;

    for (i = LLM_FAILURE_NONE + 1; i < LLM_FAILURE_CALLER; i++) {
        if (name->len == llm_failure_names[i].len
            && memcmp(name->data, llm_failure_names[i].data, name->len) == 0)
        {
            return (llm_failure_e) i;
        }
    }

    return LLM_FAILURE_NONE;
}


void
llm_failure_read(unsigned status, const llm_str_t *body, llm_failure_t *f)
{
    memset(f, 0, sizeof(llm_failure_t));

    f->kind = LLM_FAILURE_CALLER;
    f->delay_ms = -1;

    switch (status) {

    case 401:
        f->kind = LLM_FAILURE_AUTH;
        return;

    case 402:
        f->kind = LLM_FAILURE_429;
        f->spent = 1;
        return;

    case 403:
        if (!llm_failure_has(body, llm_failure_content_texts)) {
            f->kind = LLM_FAILURE_AUTH;
            f->model = llm_failure_tells(body, llm_failure_model_members);
        }

        return;

    case 400:
    case 413:
        if (llm_failure_has(body, llm_failure_context_texts)) {
            f->kind = LLM_FAILURE_CONTEXT;

        } else if (llm_failure_tells(body, llm_failure_auth_members)) {
            f->kind = LLM_FAILURE_AUTH;

        } else if (llm_failure_tells(body, llm_failure_spent_members)) {
            f->kind = LLM_FAILURE_429;
            f->spent = 1;
        }

        return;

    case 408:
        f->kind = LLM_FAILURE_TIMEOUT;
        return;

    case 429:
        f->spent = llm_failure_tells(body, llm_failure_spent_members);
        f->model = f->spent && llm_failure_tells(body,
                                                 llm_failure_quota_members);

        /* fall through */

    case 498:    /* "capacity exceeded" of one provider */

        f->kind = LLM_FAILURE_429;
        f->delay_ms = llm_failure_delay(body);
        return;

    case 500:
    case 502:
    case 503:
    case 504:
        f->kind = LLM_FAILURE_5XX;
        f->delay_ms = llm_failure_delay(body);
        return;
    }

    /* overload, and what a CDN says of a dead provider behind it */

    if (status >= 520 && status <= 530) {
        f->kind = LLM_FAILURE_5XX;
    }

    /* redirects are not followed, so this is no answer */

    if (status >= 300 && status < 400) {
        f->kind = LLM_FAILURE_INVALID;
    }
}


static unsigned
llm_failure_has(const llm_str_t *body, const char **texts)
{
    for ( /* void */ ; *texts; texts++) {
        if (llm_failure_find(body->data, body->len, *texts)) {
            return 1;
        }
    }

    return 0;
}


static unsigned
llm_failure_tells(const llm_str_t *body, const llm_failure_member_t *m)
{
    llm_str_t  rest, text;

    for ( /* void */ ; m->name; m++) {

        rest = *body;

        for ( ;; ) {
            text = llm_failure_next(&rest, m->name);

            if (text.data == NULL) {
                break;
            }

            if (llm_failure_value(&text, m)) {
                return 1;
            }
        }
    }

    return 0;
}


static unsigned
llm_failure_value(const llm_str_t *text, const llm_failure_member_t *m)
{
    size_t  n;

    n = strlen(m->value);

    if (m->where == LLM_FAILURE_HOLDS) {
        return llm_failure_find(text->data, text->len, m->value) != NULL;
    }

    return llm_failure_starts(text->data, text->len, m->value, n)
           && (m->where == LLM_FAILURE_BEGINS || text->len == n);
}


/*
 * The text of the next member of that name whose value is a string, up to its
 * closing quote or the end of what there is; no data: there is none.  A quote
 * inside a JSON string is escaped, so what is found is a member.
 */

static llm_str_t
llm_failure_next(llm_str_t *rest, const char *name)
{
    unsigned              colon;
    llm_str_t             text;
    const unsigned char  *p, *last;

    p = rest->data;
    last = p + rest->len;

    for ( ;; ) {
        p = llm_failure_find(p, last - p, name);

        if (p == NULL) {
            text.len = 0;
            text.data = NULL;
            return text;
        }

        p += strlen(name);
        colon = 0;

        while (p < last && (*p == ' ' || *p == '\t' || *p == '\r'
                            || *p == '\n' || *p == ':'))
        {
            colon |= (*p++ == ':');
        }

        if (colon && p < last && *p == '"') {
            break;
        }
    }

    text.data = (unsigned char *) ++p;

    while (p < last && *p != '"') {
        p += (*p == '\\' && last - p > 1) ? 2 : 1;
    }

    text.len = p - text.data;

    rest->len = last - p;
    rest->data = (unsigned char *) p;

    return text;
}


static const unsigned char *
llm_failure_find(const unsigned char *p, size_t len, const char *text)
{
    size_t  n;

    n = strlen(text);

    for ( /* void */ ; len >= n; p++, len--) {
        if (llm_failure_starts(p, len, text, n)) {
            return p;
        }
    }

    return NULL;
}


/* text is in lower case */

static unsigned
llm_failure_starts(const unsigned char *p, size_t len, const char *text,
    size_t n)
{
    size_t         i;
    unsigned char  c;

    if (len < n) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        c = (p[i] >= 'A' && p[i] <= 'Z') ? p[i] | 0x20 : p[i];

        if (c != (unsigned char) text[i]) {
            return 0;
        }
    }

    return 1;
}


/* providers without headers for it tell the pause in a member, or in words */

static int64_t
llm_failure_delay(const llm_str_t *body)
{
    size_t                 i, n;
    llm_str_t              rest, text;
    const unsigned char   *p;

    static const char     *words[] = { "retry in ", "try again in " };

    rest = *body;
    text = llm_failure_next(&rest, "\"retrydelay\"");

    if (text.data && llm_pace_duration(&text, &n) >= 0 && n == text.len) {
        return llm_pace_duration(&text, &n);
    }

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {

        rest = *body;

        for ( ;; ) {
            text = llm_failure_next(&rest, "\"message\"");

            if (text.data == NULL) {
                break;
            }

            p = llm_failure_find(text.data, text.len, words[i]);

            if (p == NULL) {
                continue;
            }

            p += strlen(words[i]);

            text.len -= p - text.data;
            text.data = (unsigned char *) p;

            return llm_pace_duration(&text, &n);
        }
    }

    return -1;
}
