
#include "llm_member.h"


#define LLM_MEMBER_NAME  64      /* longer names match nothing */


static unsigned llm_member_same(const unsigned char *p, size_t len,
    const char *name);


void
llm_member_pick(const llm_str_t *object, const char *const *names,
    unsigned n, llm_str_t *values)
{
    unsigned    i;
    llm_str_t   name, value;
    llm_walk_t  w;

    memset(values, 0, n * sizeof(llm_str_t));

    if (llm_form_type(object) != LLM_JSON_OBJECT) {
        return;
    }

    llm_walk_open(&w, object);

    while (llm_walk_member(&w, &name, &value)) {

        for (i = 0; i < n; i++) {

            if (!llm_member_is(&name, names[i])) {
                continue;
            }

            if (llm_form_type(&value) == LLM_JSON_NULL) {
                value.len = 0;
            }

            values[i] = value;
            break;
        }
    }
}


unsigned
llm_member_is(const llm_str_t *raw, const char *name)
{
    size_t                len;
    unsigned char         plain[LLM_MEMBER_NAME];
    const unsigned char  *p;

    if (raw->len < 3) {
        return 0;
    }

    p = raw->data + 1;
    len = raw->len - 2;

    /* most differ in the first byte */

    if (*p != (unsigned char) *name && *p != '\\') {
        return 0;
    }

    if (memchr(p, '\\', len)) {

        if (len > LLM_MEMBER_NAME
            || llm_json_unescape(p, len, plain, &len) != LLM_OK)
        {
            return 0;
        }

        p = plain;
    }

    return llm_member_same(p, len, name);
}


/* "_x" is as good as "X" */

static unsigned
llm_member_same(const unsigned char *p, size_t len, const char *name)
{
    size_t  i;

    for (i = 0; i < len; i++) {

        if (*name == '\0') {
            return 0;
        }

        if (p[i] == '_' && i + 1 < len && p[i + 1] >= 'a' && p[i + 1] <= 'z'
            && *name != '_')
        {
            i++;

            if (*name++ != p[i] - 'a' + 'A') {
                return 0;
            }

            continue;
        }

        if (p[i] != (unsigned char) *name++) {
            return 0;
        }
    }

    return *name == '\0';
}


void
llm_member_list(llm_walk_t *w, const llm_str_t *raw)
{
    if (llm_form_type(raw) == LLM_JSON_ARRAY) {
        llm_walk_open(w, raw);
        return;
    }

    llm_walk_text(w, raw->data, raw->len);
}


unsigned
llm_member_true(const llm_str_t *raw)
{
    return llm_form_type(raw) == LLM_JSON_TRUE;
}


int64_t
llm_member_count(const llm_str_t *raw)
{
    int64_t  n;

    if (llm_form_type(raw) != LLM_JSON_NUMBER
        || llm_json_int(raw, &n) != LLM_OK || n < 0)
    {
        return -1;
    }

    return n;
}
