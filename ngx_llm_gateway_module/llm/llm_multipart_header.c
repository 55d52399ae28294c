
/*
 * Content-Type of a multipart body and the headers of its parts.
 */


#include "llm_multipart_header.h"
#include "llm_multipart.h"


#define llm_header_is(s, c)                                                   \
    ((s)->len == sizeof(c) - 1                                                \
     && llm_header_casecmp((s)->data, c, sizeof(c) - 1) == 0)


typedef struct {
    llm_str_t        name;
    llm_str_t        value;      /* between the quotes, not unescaped */
    unsigned         quoted:1;
} llm_param_t;


static int llm_header_line(const llm_str_t *line,
    llm_multipart_header_t *header, unsigned *seen, const char **error);
static int llm_header_disposition(llm_str_t *value,
    llm_multipart_header_t *header, const char **error);
static int llm_header_name(llm_multipart_header_t *header,
    const llm_param_t *param, const char **error);
static llm_str_t llm_header_token(llm_str_t *s);
static int llm_header_param(llm_str_t *s, llm_param_t *param);
static void llm_header_trim(llm_str_t *s);
static void llm_header_skip(llm_str_t *s, size_t n);
static int llm_header_casecmp(const unsigned char *p, const char *lower,
    size_t n);
static int llm_boundary_valid(const llm_str_t *boundary);


int
llm_multipart_boundary(const llm_str_t *content_type, llm_str_t *boundary)
{
    int          rc;
    llm_str_t    rest, type;
    llm_param_t  param;

    boundary->len = 0;
    boundary->data = NULL;

    rest = *content_type;
    llm_header_trim(&rest);

    type = llm_header_token(&rest);

    if (!llm_header_is(&type, "multipart/form-data")) {
        return LLM_INVALID;
    }

    for ( ;; ) {
        rc = llm_header_param(&rest, &param);

        if (rc == LLM_DECLINED) {
            break;
        }

        if (rc != LLM_OK) {
            return rc;
        }

        if (!llm_header_is(&param.name, "boundary")) {
            continue;
        }

        if (boundary->data) {
            return LLM_INVALID;
        }

        *boundary = param.value;
    }

    return llm_boundary_valid(boundary) ? LLM_OK : LLM_INVALID;
}


/* the characters of RFC 2046; a quoted pair has none of its own */

static int
llm_boundary_valid(const llm_str_t *boundary)
{
    size_t         i;
    unsigned char  c;

    if (boundary->len == 0 || boundary->len > LLM_MULTIPART_MAX_BOUNDARY
        || boundary->data[boundary->len - 1] == ' ')
    {
        return 0;
    }

    for (i = 0; i < boundary->len; i++) {
        c = boundary->data[i];

        if ((c >= '0' && c <= '9')
            || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
        {
            continue;
        }

        if (c == '\0' || strchr("'()+_,-./:=? ", c) == NULL) {
            return 0;
        }
    }

    return 1;
}


int
llm_multipart_header_read(llm_buf_t *text, llm_multipart_header_t *header,
    const char **error)
{
    int             rc;
    size_t          i, from;
    unsigned        seen;
    llm_str_t       line;
    unsigned char   c;

    memset(header, 0, sizeof(llm_multipart_header_t));

    seen = 0;
    from = 0;

    /* every line ends with CR LF, the caller saw to that */

    for (i = 0; i + 2 < text->len; i++) {
        c = text->data[i];

        if (c == '\r' && text->data[i + 1] == '\n') {
            line.data = text->data + from;
            line.len = i - from;

            rc = llm_header_line(&line, header, &seen, error);
            if (rc != LLM_OK) {
                return rc;
            }

            i++;
            from = i + 1;
            continue;
        }

        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            *error = "control character in a part's header";
            return LLM_INVALID;
        }
    }

    if (!seen) {
        *error = "part without Content-Disposition";
        return LLM_INVALID;
    }

    return LLM_OK;
}


static int
llm_header_line(const llm_str_t *line, llm_multipart_header_t *header,
    unsigned *seen, const char **error)
{
    llm_str_t       name, value;
    unsigned char  *colon;

    colon = line->len ? memchr(line->data, ':', line->len) : NULL;

    if (colon == NULL || line->data[0] == ' ' || line->data[0] == '\t'
        || colon == line->data || colon[-1] == ' ' || colon[-1] == '\t')
    {
        *error = "malformed line in a part's header";
        return LLM_INVALID;
    }

    name.data = line->data;
    name.len = (size_t) (colon - line->data);

    value.data = colon + 1;
    value.len = line->len - name.len - 1;
    llm_header_trim(&value);

    if (llm_header_is(&name, "content-transfer-encoding")) {

        if (llm_header_is(&value, "7bit") || llm_header_is(&value, "8bit")
            || llm_header_is(&value, "binary"))
        {
            return LLM_OK;
        }

        *error = "part in a transfer encoding";
        return LLM_INVALID;
    }

    if (!llm_header_is(&name, "content-disposition")) {
        return LLM_OK;
    }

    if (*seen) {
        *error = "part with two Content-Dispositions";
        return LLM_INVALID;
    }

    *seen = 1;

    return llm_header_disposition(&value, header, error);
}


static int
llm_header_disposition(llm_str_t *value, llm_multipart_header_t *header,
    const char **error)
{
    int          rc;
    llm_str_t    type;
    llm_param_t  param;

    type = llm_header_token(value);

    if (!llm_header_is(&type, "form-data")) {
        *error = "part that is no form-data";
        return LLM_INVALID;
    }

    for ( ;; ) {
        rc = llm_header_param(value, &param);

        if (rc == LLM_DECLINED) {
            break;
        }

        if (rc != LLM_OK) {
            *error = "malformed Content-Disposition";
            return rc;
        }

        if (param.name.len >= 8
            && llm_header_casecmp(param.name.data, "filename", 8) == 0
            && (param.name.len == 8 || param.name.data[8] == '*'))
        {
            header->file = 1;
            continue;
        }

        if (param.name.len >= 4
            && llm_header_casecmp(param.name.data, "name", 4) == 0
            && (param.name.len == 4 || param.name.data[4] == '*'))
        {
            rc = llm_header_name(header, &param, error);
            if (rc != LLM_OK) {
                return rc;
            }
        }
    }

    if (header->name.data == NULL) {
        *error = "part without a name";
        return LLM_INVALID;
    }

    return LLM_OK;
}


static int
llm_header_name(llm_multipart_header_t *header, const llm_param_t *param,
    const char **error)
{
    size_t           n;
    unsigned char   *p, *d, *end;

    if (param->name.len > 4) {
        *error = "part with an encoded name";
        return LLM_INVALID;
    }

    if (header->name.data) {
        *error = "part with two names";
        return LLM_INVALID;
    }

    p = param->value.data;
    end = p + param->value.len;
    d = p;

    header->name.data = d;

    while (p < end) {

        if (param->quoted && *p == '\\' && end - p > 1) {
            p++;
        }

        n = llm_utf8(p, (size_t) (end - p));

        if (n == 0) {
            *error = "name of a part that is no UTF-8";
            return LLM_INVALID;
        }

        while (n--) {
            *d++ = *p++;
        }
    }

    header->name.len = (size_t) (d - header->name.data);

    return LLM_OK;
}


/* takes from s what stands before a semicolon, white space trimmed */

static llm_str_t
llm_header_token(llm_str_t *s)
{
    llm_str_t             token;
    const unsigned char  *p;

    token = *s;
    p = s->len ? memchr(s->data, ';', s->len) : NULL;

    if (p) {
        token.len = (size_t) (p - s->data);
    }

    llm_header_skip(s, token.len);
    llm_header_trim(&token);

    return token;
}


/*
 * Takes the next parameter from s, which stands at a semicolon or is empty.
 * LLM_DECLINED: there is none.
 */

static int
llm_header_param(llm_str_t *s, llm_param_t *param)
{
    size_t     i;
    llm_str_t  token;

    for ( ;; ) {
        llm_header_trim(s);

        if (s->len == 0) {
            return LLM_DECLINED;
        }

        if (s->data[0] != ';') {
            break;
        }

        llm_header_skip(s, 1);
    }

    for (i = 0; i < s->len && s->data[i] != '=' && s->data[i] != ';'; i++) {

        if (s->data[i] == '"' || s->data[i] == ' ' || s->data[i] == '\t') {
            return LLM_INVALID;
        }
    }

    if (i == 0 || i == s->len || s->data[i] == ';') {
        return LLM_INVALID;
    }

    param->name.data = s->data;
    param->name.len = i;

    llm_header_skip(s, i + 1);

    if (s->len == 0 || s->data[0] != '"') {
        token = llm_header_token(s);

        for (i = 0; i < token.len; i++) {

            if (token.data[i] == '"' || token.data[i] == ' '
                || token.data[i] == '\t')
            {
                return LLM_INVALID;
            }
        }

        param->quoted = 0;
        param->value = token;

        return LLM_OK;
    }

    for (i = 1; i < s->len && s->data[i] != '"'; i++) {

        if (s->data[i] == '\\') {
            i++;
        }
    }

    if (i >= s->len) {
        return LLM_INVALID;
    }

    param->quoted = 1;
    param->value.data = s->data + 1;
    param->value.len = i - 1;

    llm_header_skip(s, i + 1);
    llm_header_trim(s);

    return (s->len && s->data[0] != ';') ? LLM_INVALID : LLM_OK;
}


static void
llm_header_trim(llm_str_t *s)
{
    while (s->len && (s->data[0] == ' ' || s->data[0] == '\t')) {
        llm_header_skip(s, 1);
    }

    while (s->len && (s->data[s->len - 1] == ' '
                      || s->data[s->len - 1] == '\t'))
    {
        s->len--;
    }
}


static void
llm_header_skip(llm_str_t *s, size_t n)
{
    if (n) {
        s->data += n;
        s->len -= n;
    }
}


/* compares without regard to case; lower is in lower case */

static int
llm_header_casecmp(const unsigned char *p, const char *lower, size_t n)
{
    unsigned char  c;

    for ( /* void */ ; n; n--, p++, lower++) {
        c = (*p >= 'A' && *p <= 'Z') ? (unsigned char) (*p | 0x20) : *p;

        if (c != (unsigned char) *lower) {
            return 1;
        }
    }

    return 0;
}
