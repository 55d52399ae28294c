
#include "llm_sha256.h"
#include "llm_sigv4.h"

#include <stdlib.h>
#include <time.h>


#define LLM_SIGV4_ALGORITHM  "AWS4-HMAC-SHA256"
#define LLM_SIGV4_HEX        (2 * LLM_SIGV4_DIGEST)


typedef struct {
    const llm_sigv4_t         *s;
    const llm_sigv4_crypto_t  *crypto;
    llm_sigv4_header_t         headers[LLM_SIGV4_MAX_HEADERS];
    unsigned                   nheaders;
    llm_buf_t                  names;     /* "host;x-amz-date" */
    llm_buf_t                  request;
    llm_buf_t                  scope;     /* "20150830/us-east-1/..." */
    char                       date[sizeof("20150830T123600Z")];
} llm_sigv4_work_t;


static int llm_sigv4_collect(llm_sigv4_work_t *w);
static int llm_sigv4_compare_header(const void *one, const void *two);
static int llm_sigv4_request(llm_sigv4_work_t *w, llm_arena_t *arena);
static void llm_sigv4_path(const llm_str_t *path, llm_buf_t *out);
static int llm_sigv4_args(const llm_str_t *args, llm_arena_t *arena,
    llm_buf_t *out);
static int llm_sigv4_compare_arg(const void *one, const void *two);
static void llm_sigv4_value(const llm_str_t *value, llm_buf_t *out);
static void llm_sigv4_encode(const unsigned char *p, size_t len,
    llm_buf_t *out);
static size_t llm_sigv4_decode(unsigned char *p, size_t len);
static unsigned llm_sigv4_digit(unsigned char c);
static int llm_sigv4_signature(llm_sigv4_work_t *w, llm_arena_t *arena,
    unsigned char *hex);
static int llm_sigv4_order(const llm_str_t *one, const llm_str_t *two);


int
llm_sigv4_sign(llm_arena_t *arena, const llm_sigv4_t *s,
    const llm_sigv4_crypto_t *crypto, llm_buf_t *out)
{
    int               rc;
    time_t            sec;
    struct tm         tm;
    unsigned char     hex[LLM_SIGV4_HEX];
    llm_sigv4_work_t  w;

    memset(&w, 0, sizeof(llm_sigv4_work_t));

    w.s = s;
    w.crypto = crypto;

    llm_buf_init(&w.names, arena);
    llm_buf_init(&w.request, arena);
    llm_buf_init(&w.scope, arena);

    sec = (time_t) s->time;

    if (gmtime_r(&sec, &tm) == NULL
        || strftime(w.date, sizeof(w.date), "%Y%m%dT%H%M%SZ", &tm) == 0)
    {
        return LLM_INVALID;
    }

    llm_buf_add(&w.scope, w.date, sizeof("20150830") - 1);
    llm_buf_puts(&w.scope, "/");
    llm_buf_add(&w.scope, s->region.data, s->region.len);
    llm_buf_puts(&w.scope, "/");
    llm_buf_add(&w.scope, s->service.data, s->service.len);
    llm_buf_puts(&w.scope, "/aws4_request");

    rc = llm_sigv4_collect(&w);

    if (rc == LLM_OK) {
        rc = llm_sigv4_request(&w, arena);
    }

    if (rc == LLM_OK) {
        rc = llm_sigv4_signature(&w, arena, hex);
    }

    if (rc != LLM_OK) {
        return rc;
    }

    llm_buf_puts(out, "x-amz-date: ");
    llm_buf_puts(out, w.date);

    if (s->session_token.len) {
        llm_buf_puts(out, "\r\nx-amz-security-token: ");
        llm_buf_add(out, s->session_token.data, s->session_token.len);
    }

    llm_buf_puts(out, "\r\nauthorization: " LLM_SIGV4_ALGORITHM
                      " Credential=");
    llm_buf_add(out, s->access_key.data, s->access_key.len);
    llm_buf_puts(out, "/");
    llm_buf_add(out, w.scope.data, w.scope.len);
    llm_buf_puts(out, ", SignedHeaders=");
    llm_buf_add(out, w.names.data, w.names.len);
    llm_buf_puts(out, ", Signature=");
    llm_buf_add(out, hex, sizeof(hex));
    llm_buf_puts(out, "\r\n");

    return out->failed ? LLM_NOMEM : LLM_OK;
}


/* all headers that are signed, in the order of their names */

static int
llm_sigv4_collect(llm_sigv4_work_t *w)
{
    unsigned             i;
    llm_sigv4_header_t  *h;

    static const llm_str_t  date = llm_string("x-amz-date");
    static const llm_str_t  token = llm_string("x-amz-security-token");

    if (w->s->nheaders > LLM_SIGV4_MAX_HEADERS - 2) {
        return LLM_LIMIT;
    }

    for (i = 0; i < w->s->nheaders; i++) {
        w->headers[i] = w->s->headers[i];
    }

    h = &w->headers[i++];
    h->name = date;
    h->value.data = (unsigned char *) w->date;
    h->value.len = strlen(w->date);

    if (w->s->session_token.len) {
        h = &w->headers[i++];
        h->name = token;
        h->value = w->s->session_token;
    }

    w->nheaders = i;

    qsort(w->headers, i, sizeof(llm_sigv4_header_t),
          llm_sigv4_compare_header);

    return LLM_OK;
}


static int
llm_sigv4_compare_header(const void *one, const void *two)
{
    return llm_sigv4_order(&((const llm_sigv4_header_t *) one)->name,
                           &((const llm_sigv4_header_t *) two)->name);
}


static int
llm_sigv4_request(llm_sigv4_work_t *w, llm_arena_t *arena)
{
    int         rc;
    unsigned    i;
    llm_buf_t  *b;

    b = &w->request;

    llm_buf_add(b, w->s->method.data, w->s->method.len);
    llm_buf_puts(b, "\n");
    llm_sigv4_path(&w->s->path, b);
    llm_buf_puts(b, "\n");

    rc = llm_sigv4_args(&w->s->args, arena, b);

    if (rc != LLM_OK) {
        return rc;
    }

    llm_buf_puts(b, "\n");

    for (i = 0; i < w->nheaders; i++) {

        if (i) {
            llm_buf_puts(&w->names, ";");
        }

        llm_buf_add(&w->names, w->headers[i].name.data,
                    w->headers[i].name.len);

        llm_buf_add(b, w->headers[i].name.data, w->headers[i].name.len);
        llm_buf_puts(b, ":");
        llm_sigv4_value(&w->headers[i].value, b);
        llm_buf_puts(b, "\n");
    }

    llm_buf_puts(b, "\n");
    llm_buf_add(b, w->names.data, w->names.len);
    llm_buf_puts(b, "\n");
    llm_buf_add(b, w->s->payload.data, w->s->payload.len);

    return (b->failed || w->names.failed) ? LLM_NOMEM : LLM_OK;
}


/* what is sent is encoded once more: "%3A" is signed as "%253A" */

static void
llm_sigv4_path(const llm_str_t *path, llm_buf_t *out)
{
    size_t  i, start;

    if (path->len == 0) {
        llm_buf_puts(out, "/");
        return;
    }

    start = 0;

    for (i = 0; i <= path->len; i++) {

        if (i < path->len && path->data[i] != '/') {
            continue;
        }

        llm_sigv4_encode(path->data + start, i - start, out);

        if (i < path->len) {
            llm_buf_puts(out, "/");
        }

        start = i + 1;
    }
}


/* sorted; each name has a "=", and one spelling of what is encoded */

static int
llm_sigv4_args(const llm_str_t *args, llm_arena_t *arena, llm_buf_t *out)
{
    size_t          i, start, len, n;
    unsigned char  *eq;
    llm_str_t       copy, arg;
    llm_buf_t       b;
    llm_str_t       list[LLM_SIGV4_MAX_ARGS];

    if (args->len == 0) {
        return LLM_OK;
    }

    if (llm_str_dup(arena, &copy, args->data, args->len) != LLM_OK) {
        return LLM_NOMEM;
    }

    n = 0;
    start = 0;

    for (i = 0; i <= copy.len; i++) {

        if (i < copy.len && copy.data[i] != '&') {
            continue;
        }

        arg.data = copy.data + start;
        arg.len = i - start;
        start = i + 1;

        if (arg.len == 0) {
            continue;
        }

        if (n == LLM_SIGV4_MAX_ARGS) {
            return LLM_LIMIT;
        }

        eq = memchr(arg.data, '=', arg.len);
        len = eq ? (size_t) (eq - arg.data) : arg.len;

        llm_buf_init(&b, arena);

        llm_sigv4_encode(arg.data, llm_sigv4_decode(arg.data, len), &b);
        llm_buf_puts(&b, "=");

        if (eq) {
            len = arg.len - len - 1;
            llm_sigv4_encode(eq + 1, llm_sigv4_decode(eq + 1, len), &b);
        }

        if (b.failed) {
            return LLM_NOMEM;
        }

        list[n++] = llm_buf_str(&b);
    }

    qsort(list, n, sizeof(llm_str_t), llm_sigv4_compare_arg);

    for (i = 0; i < n; i++) {
        llm_buf_puts(out, i ? "&" : "");
        llm_buf_add(out, list[i].data, list[i].len);
    }

    return LLM_OK;
}


/* by name, then by value: "=" is less than what follows in longer names */

static int
llm_sigv4_compare_arg(const void *one, const void *two)
{
    size_t            n, m;
    llm_str_t         a, b;
    const llm_str_t  *x, *y;

    x = one;
    y = two;

    n = (size_t) ((unsigned char *) memchr(x->data, '=', x->len) - x->data);
    m = (size_t) ((unsigned char *) memchr(y->data, '=', y->len) - y->data);

    a.data = x->data;
    a.len = n;
    b.data = y->data;
    b.len = m;

    if (n != m || memcmp(a.data, b.data, n) != 0) {
        return llm_sigv4_order(&a, &b);
    }

    return llm_sigv4_order(x, y);
}


/* without space around it, and with one where there were more */

static void
llm_sigv4_value(const llm_str_t *value, llm_buf_t *out)
{
    size_t    i, start;
    unsigned  space;

    space = 0;
    start = out->len;

    for (i = 0; i < value->len; i++) {

        if (value->data[i] == ' ' || value->data[i] == '\t') {
            space = 1;
            continue;
        }

        if (space && out->len > start) {
            llm_buf_puts(out, " ");
        }

        space = 0;
        llm_buf_add(out, value->data + i, 1);
    }
}


static void
llm_sigv4_encode(const unsigned char *p, size_t len, llm_buf_t *out)
{
    size_t         i;
    unsigned char  c, escape[3];

    static const char  hex[] = "0123456789ABCDEF";

    for (i = 0; i < len; i++) {
        c = p[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
            || (c >= '0' && c <= '9')
            || c == '-' || c == '.' || c == '_' || c == '~')
        {
            llm_buf_add(out, &c, 1);
            continue;
        }

        escape[0] = '%';
        escape[1] = (unsigned char) hex[c >> 4];
        escape[2] = (unsigned char) hex[c & 15];

        llm_buf_add(out, escape, 3);
    }
}


/* in place; its length then */

static size_t
llm_sigv4_decode(unsigned char *p, size_t len)
{
    size_t  i, n;

    n = 0;

    for (i = 0; i < len; i++) {

        if (p[i] == '%' && len - i > 2 && llm_sigv4_digit(p[i + 1]) < 16
            && llm_sigv4_digit(p[i + 2]) < 16)
        {
            p[n++] = (unsigned char) (llm_sigv4_digit(p[i + 1]) << 4
                                      | llm_sigv4_digit(p[i + 2]));
            i += 2;
            continue;
        }

        p[n++] = p[i];
    }

    return n;
}


static unsigned
llm_sigv4_digit(unsigned char c)
{
    if (c >= '0' && c <= '9') {
        return (unsigned) (c - '0');
    }

    c |= 0x20;

    return (c >= 'a' && c <= 'f') ? (unsigned) (c - 'a' + 10) : 16;
}


/* the key is made of the secret, then date, region and service in turn */

static int
llm_sigv4_signature(llm_sigv4_work_t *w, llm_arena_t *arena,
    unsigned char *hex)
{
    unsigned                   i;
    llm_buf_t                  text;
    llm_str_t                  key, steps[5];
    unsigned char              digest[LLM_SIGV4_DIGEST];
    unsigned char              last[LLM_SIGV4_DIGEST];
    const llm_sigv4_t         *s;
    const llm_sigv4_crypto_t  *c;

    static const llm_str_t  end = llm_string("aws4_request");

    s = w->s;
    c = w->crypto;

    key = llm_buf_str(&w->request);

    if (c->hash(c->data, &key, digest) != LLM_OK) {
        return LLM_INVALID;
    }

    llm_hex(digest, sizeof(digest), hex);

    llm_buf_init(&text, arena);

    llm_buf_puts(&text, LLM_SIGV4_ALGORITHM "\n");
    llm_buf_puts(&text, w->date);
    llm_buf_puts(&text, "\n");
    llm_buf_add(&text, w->scope.data, w->scope.len);
    llm_buf_puts(&text, "\n");
    llm_buf_add(&text, hex, LLM_SIGV4_HEX);

    steps[0].data = (unsigned char *) w->date;
    steps[0].len = sizeof("20150830") - 1;
    steps[1] = s->region;
    steps[2] = s->service;
    steps[3] = end;
    steps[4] = llm_buf_str(&text);

    llm_buf_init(&w->request, arena);
    (void) llm_buf_reserve(&w->request, sizeof("AWS4") + s->secret_key.len);

    llm_buf_puts(&w->request, "AWS4");
    llm_buf_add(&w->request, s->secret_key.data, s->secret_key.len);

    if (text.failed || w->request.failed || w->scope.failed) {
        return LLM_NOMEM;
    }

    key = llm_buf_str(&w->request);

    for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {

        if (c->hmac(c->data, &key, &steps[i], digest) != LLM_OK) {
            return LLM_INVALID;
        }

        memcpy(last, digest, sizeof(digest));

        key.data = last;
        key.len = sizeof(last);
    }

    llm_hex(digest, sizeof(digest), hex);

    /* the secret does not stay behind in memory that others use next */

    memset(w->request.data, 0, w->request.len);

    return LLM_OK;
}


static int
llm_sigv4_order(const llm_str_t *one, const llm_str_t *two)
{
    int     rc;
    size_t  len;

    len = one->len < two->len ? one->len : two->len;
    rc = len ? memcmp(one->data, two->data, len) : 0;

    if (rc != 0) {
        return rc;
    }

    return one->len < two->len ? -1 : one->len > two->len;
}
