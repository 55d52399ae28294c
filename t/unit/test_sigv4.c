
/*
 * SHA-256 by FIPS 180-4's examples, and Signature Version 4 by those of AWS's
 * documentation and its test suite.
 */


#include "unit.h"
#include "llm_sha256.h"
#include "llm_sigv4.h"


#define SECRET  "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define TOKEN   "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4" \
                "FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSE" \
                "I/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPk" \
                "yQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0r" \
                "KwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9" \
                "FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="


typedef struct {
    const char          *what;
    const char          *method;
    const char          *path;
    const char          *args;
    llm_sigv4_header_t   headers[3];
    unsigned             nheaders;
    const char          *body;
    int64_t              time;
    const char          *service;
    const char          *token;
    const char          *names;
    const char          *signature;
} case_t;


#define host(h)  { llm_string("host"), llm_string(h) }
#define suite    host("example.amazonaws.com")
#define day      1440938160      /* 20150830T123600Z */

static const case_t  cases[] = {

    { "get-vanilla", "GET", "/", "", { suite }, 1, "", day, "service", "",
      "host;x-amz-date",
      "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },

    { "post-vanilla", "POST", "/", "", { suite }, 1, "", day, "service", "",
      "host;x-amz-date",
      "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },

    { "get-vanilla-query-order-key-case", "GET", "/",
      "Param2=value2&Param1=value1", { suite }, 1, "", day, "service", "",
      "host;x-amz-date",
      "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },

    { "get-header-value-trim", "GET", "/", "",
      { { llm_string("my-header2"), llm_string(" \"a   b   c\"") },
        { llm_string("my-header1"), llm_string(" value1") }, suite },
      3, "", day, "service", "", "host;my-header1;my-header2;x-amz-date",
      "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736" },

    { "post-sts-header-before", "POST", "/", "", { suite }, 1, "", day,
      "service", TOKEN, "host;x-amz-date;x-amz-security-token",
      "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead" },

    { "the documentation's ListUsers", "GET", "/",
      "Action=ListUsers&Version=2010-05-08",
      { { llm_string("content-type"),
          llm_string("application/x-www-form-urlencoded; charset=utf-8") },
        host("iam.amazonaws.com") },
      2, "", day, "iam", "", "content-type;host;x-amz-date",
      "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7" },

    /* computed by another program */

    { "a model with a colon", "POST",
      "/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse-stream", "",
      { { llm_string("content-type"), llm_string("application/json") },
        host("bedrock-runtime.us-east-1.amazonaws.com") },
      2, "{\"messages\":[]}", 1735689600, "bedrock", "",
      "content-type;host;x-amz-date",
      "5720f3c21bd89ff1dff60fdc71765aa1d5f2711421c1c92f9c108c0a51f6aa2f" },

    { "an ARN", "POST", "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123%3A"
      "inference-profile%2Fus.x/invoke", "", { host("h") }, 1, "",
      1735689600, "bedrock", "", "host;x-amz-date",
      "6bda8096fbc23e487aa1cea4f911855357e296d07fb43bc397017aca1fae2e5b" }
};


static llm_arena_t  *arena;
static int           broken;


static int
hash(void *data, const llm_str_t *text, unsigned char *digest)
{
    if (broken == 1) {
        return LLM_INVALID;
    }

    llm_sha256(text, digest);

    return LLM_OK;
}


/* RFC 2104; no key of these is longer than a block */

static int
hmac(void *data, const llm_str_t *key, const llm_str_t *text,
    unsigned char *digest)
{
    unsigned       i;
    llm_buf_t      b;
    llm_str_t      s;
    unsigned char  pad[64];

    if (broken == 2) {
        return LLM_INVALID;
    }

    llm_buf_init(&b, arena);
    memset(pad, 0x36, sizeof(pad));

    for (i = 0; i < key->len; i++) {
        pad[i] ^= key->data[i];
    }

    llm_buf_add(&b, pad, sizeof(pad));
    llm_buf_add(&b, text->data, text->len);

    s.data = b.data;
    s.len = b.len;
    llm_sha256(&s, digest);

    for (i = 0; i < sizeof(pad); i++) {
        pad[i] ^= 0x36 ^ 0x5c;
    }

    b.len = 0;
    llm_buf_add(&b, pad, sizeof(pad));
    llm_buf_add(&b, digest, 32);

    s.data = b.data;
    s.len = b.len;
    llm_sha256(&s, digest);

    return LLM_OK;
}


static const llm_sigv4_crypto_t  crypto = { hash, hmac, NULL };


static int
sign(const case_t *c, llm_buf_t *out)
{
    llm_str_t             body;
    llm_sigv4_t           s;
    static unsigned char  hex[64];

    memset(&s, 0, sizeof(llm_sigv4_t));

    body = unit_str(c->body);
    llm_sha256_hex(&body, hex);

    s.method = unit_str(c->method);
    s.path = unit_str(c->path);
    s.args = unit_str(c->args);
    s.payload.data = hex;
    s.payload.len = sizeof(hex);
    s.headers = c->headers;
    s.nheaders = c->nheaders;
    s.region = unit_str("us-east-1");
    s.service = unit_str(c->service);
    s.access_key = unit_str("AKIDEXAMPLE");
    s.secret_key = unit_str(SECRET);
    s.session_token = unit_str(c->token);
    s.time = c->time;

    llm_buf_init(out, arena);

    return llm_sigv4_sign(arena, &s, &crypto, out);
}


static void
check_cases(void)
{
    char       want[2048], date[32];
    size_t     i;
    llm_str_t  got;
    llm_buf_t  out;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        is_int(sign(&cases[i], &out), LLM_OK, "%s: signed", cases[i].what);

        snprintf(date, sizeof(date), "%s", cases[i].time == day
                 ? "20150830T123600Z" : "20250101T000000Z");

        snprintf(want, sizeof(want), "x-amz-date: %s\r\n%s%s%s"
                 "authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"
                 "%.8s/us-east-1/%s/aws4_request, SignedHeaders=%s, "
                 "Signature=%s\r\n", date,
                 *cases[i].token ? "x-amz-security-token: " : "",
                 cases[i].token, *cases[i].token ? "\r\n" : "", date,
                 cases[i].service, cases[i].names, cases[i].signature);

        got.data = out.data;
        got.len = out.len;

        is_str(got, want, "%s: headers", cases[i].what);
    }
}


static void
check_args(void)
{
    case_t     c;
    llm_buf_t  one, two, three;

    c = cases[0];

    c.args = "a-b=2&a=%7e&a=1&b";
    sign(&c, &one);

    c.args = "b=&a=1&&a=~&a-b=2";
    sign(&c, &two);

    ok(one.len == two.len && memcmp(one.data, two.data, one.len) == 0,
       "arguments are one whatever their order and spelling");

    c.args = "a=2&a=~&a=1&b";
    sign(&c, &three);

    ok(memcmp(one.data, three.data, one.len) != 0,
       "other arguments, another signature");
}


static void
check_failures(void)
{
    size_t              i;
    llm_buf_t           out, args;
    case_t              c;
    llm_sigv4_t         s;
    llm_sigv4_header_t  headers[LLM_SIGV4_MAX_HEADERS];

    for (broken = 1; broken <= 2; broken++) {
        is_int(sign(&cases[0], &out), LLM_INVALID,
               "without a digest no signature");
        is_int(out.len, 0, "and no headers");
    }

    broken = 0;

    memset(&s, 0, sizeof(llm_sigv4_t));
    memset(headers, 0, sizeof(headers));
    s.headers = headers;
    s.nheaders = LLM_SIGV4_MAX_HEADERS;

    is_int(llm_sigv4_sign(arena, &s, &crypto, &out), LLM_LIMIT,
           "too many headers");

    llm_buf_init(&args, arena);

    for (i = 0; i <= LLM_SIGV4_MAX_ARGS; i++) {
        llm_buf_puts(&args, "&a");
    }

    llm_buf_add(&args, "", 1);

    c = cases[0];
    c.args = (char *) args.data;

    is_int(sign(&c, &out), LLM_LIMIT, "too many arguments");
}


static void
check_sha256(void)
{
    size_t         i;
    unsigned       wrong;
    llm_str_t      text, got;
    unsigned char  a[1000], hex[64], million[64];

    got.data = hex;
    got.len = 64;

    text = unit_str("");
    llm_sha256_hex(&text, hex);
    is_str(got, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b785"
                "2b855", "nothing");

    text = unit_str("abc");
    llm_sha256_hex(&text, hex);
    is_str(got, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20"
                "015ad", "one block");

    text = unit_str("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq");
    llm_sha256_hex(&text, hex);
    is_str(got, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419d"
                "b06c1", "two blocks");

    /* lengths around the end of a block all differ from one another */

    memset(a, 'a', sizeof(a));
    memset(million, 0, sizeof(million));
    text.data = a;
    wrong = 0;

    for (i = 50; i < 130; i++) {
        text.len = i;
        llm_sha256_hex(&text, hex);
        wrong += (memcmp(hex, million, 64) == 0);
        memcpy(million, hex, 64);
    }

    is_int(wrong, 0, "each length has a digest of its own");

    text.len = sizeof(a);
    llm_sha256_hex(&text, hex);
    is_str(got, "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b97"
                "37ea3", "many blocks");
}


int
main(void)
{
    plan(0);

    arena = llm_arena_create(64 * 1024 * 1024);

    check_sha256();
    check_cases();
    check_args();
    check_failures();

    llm_arena_free(arena);

    return unit_end();
}
