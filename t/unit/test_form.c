
/*
 * What dialects build requests from: strings, arguments, media, state, names,
 * efforts and schemas.
 */


#include "unit.h"
#include "llm_base64.h"
#include "llm_dialect.h"


static llm_arena_t  *arena;


static llm_str_t
decoded(const char *raw)
{
    llm_str_t  s, out;

    s = unit_str(raw);

    if (llm_form_string(arena, &s, &out) != LLM_OK) {
        return unit_str("(none)");
    }

    return out;
}


static void
test_strings(void)
{
    llm_str_t  s, v;

    is_str(decoded("\"plain\""), "plain", "a string without escapes");
    is_str(decoded("\"a\\n\\u00e9\\ud83d\\ude00\""), "a\n\xc3\xa9"
           "\xf0\x9f\x98\x80", "escapes and a surrogate pair");
    is_str(decoded("\"a\\ud83dz\""), "a\xef\xbf\xbdz", "half of a pair");
    is_str(decoded("\"\\ude00\\ud83d\\ude00\\\\\""),
           "\xef\xbf\xbd\xf0\x9f\x98\x80\\", "a half before a pair");
    is_int(decoded("\"x\\u0000y\"").len, 3, "a zero is a character");
    is_str(decoded("12"), "(none)", "a number is no string");

    s = unit_str("\"mod\\u0065l\"");
    ok(llm_form_is(&s, "model"), "a name with an escape is the same name");
    ok(!llm_form_is(&s, "mode"), "and no other");

    s = unit_str("{\"a\":1,\"b\":{\"a\":2},\"a\":[3]}");
    is_int(llm_form_member(&s, "a", &v), LLM_OK, "a member");
    is_str(v, "[3]", "the last one counts");
    is_int(llm_form_member(&s, "c", &v), LLM_DECLINED, "one that is not");
}


static void
arguments(const char *text, const char *json)
{
    llm_str_t  s, out;

    s = unit_str(text);

    is_int(llm_form_arguments(arena, &s, &out), LLM_OK, "arguments of %u bytes",
           (unsigned) s.len);
    is_str(out, json, "become what they should");
}


static void
test_arguments(void)
{
    arguments(" {\"a\":1e400}\n", "{\"a\":1e400}");
    arguments("", "{}");
    arguments(" \n", "{}");
    arguments("{\"a\":", "{\"_raw\":\"{\\\"a\\\":\"}");
    arguments("[1]", "{\"_value\":[1]}");
    arguments("{}{}", "{\"_raw\":\"{}{}\"}");
}


static void
media(llm_block_e kind, const char *url, int rc, llm_source_e source,
    const char *mime, const char *data)
{
    llm_str_t    s;
    llm_form_t   form;
    llm_block_t  block;

    memset(&form, 0, sizeof(llm_form_t));
    memset(&block, 0, sizeof(llm_block_t));

    form.arena = arena;
    block.kind = kind;
    s = unit_str(url);

    is_int(llm_form_media(&form, &block, &s), rc, "media %.10s", url);

    if (rc == LLM_OK) {
        is_int(block.source, source, "its source");
        is_str(block.mime, mime, "its type");
        is_str(block.data, data, "its data");
    }
}


static void
test_media(void)
{
    media(LLM_BLOCK_IMAGE, "https://a/b.png", LLM_OK, LLM_SOURCE_URL, "",
          "https://a/b.png");
    media(LLM_BLOCK_IMAGE, "data:IMAGE/Png;base64,/9j/4AAQSkZJRgABAQ==",
          LLM_OK, LLM_SOURCE_BASE64, "image/jpeg",
          "/9j/4AAQSkZJRgABAQ==");
    media(LLM_BLOCK_IMAGE, "DATA:image/x-y;a=b;BASE64,AAEC\n Aw%3D%3D",
          LLM_OK, LLM_SOURCE_BASE64, "image/x-y", "AAECAw==");
    media(LLM_BLOCK_IMAGE, "data:;base64,_-8", LLM_OK, LLM_SOURCE_BASE64, "",
          "/+8=");
    media(LLM_BLOCK_IMAGE, "data:image/png;base64,A", LLM_INVALID, 0, "", "");
    media(LLM_BLOCK_IMAGE, "data:image/png;base64,", LLM_INVALID, 0, "", "");
    media(LLM_BLOCK_IMAGE, "data:image/png", LLM_INVALID, 0, "", "");
    media(LLM_BLOCK_IMAGE, "data:image/png;base64,A*==", LLM_INVALID, 0, "",
          "");
    media(LLM_BLOCK_DOCUMENT, "data:,a%20b", LLM_OK, LLM_SOURCE_TEXT,
          "text/plain", "a b");
    media(LLM_BLOCK_DOCUMENT, "data:application/pdf;base64,JVBERi0xLjQ=",
          LLM_OK, LLM_SOURCE_BASE64, "application/pdf", "JVBERi0xLjQ=");
    media(LLM_BLOCK_IMAGE, "data:image/png;base64,UklGRgAAAABXRUJQVlA4",
          LLM_OK, LLM_SOURCE_BASE64, "image/webp", "UklGRgAAAABXRUJQVlA4");
}


static void
test_state(void)
{
    llm_str_t    text;
    llm_state_t  state, back;

    memset(&state, 0, sizeof(llm_state_t));

    state.kind = LLM_STATE_OPENAI;
    state.id = unit_str("rs_1");
    state.data = unit_str("a\nb\xff");

    is_int(llm_state_print(arena, &state, &text), LLM_OK, "state is printed");
    ok(text.len > 11 && memcmp(text.data, "gw1:openai:", 11) == 0,
       "with its kind");

    is_int(llm_state_read(arena, &text, &back), LLM_OK, "and read");
    is_int(back.kind, LLM_STATE_OPENAI, "its kind");
    is_str(back.id, "rs_1", "its id");
    is_str(back.data, "a\nb\xff", "its data");

    text = unit_str("gw1:nobody:AAAA");
    is_int(llm_state_read(arena, &text, &back), LLM_DECLINED, "unknown kind");
    text = unit_str("gw1:openai:*");
    is_int(llm_state_read(arena, &text, &back), LLM_DECLINED, "no base64");
    text = unit_str("EqoBCkYIARgC");
    is_int(llm_state_read(arena, &text, &back), LLM_DECLINED, "a signature");
}


static void
test_names(void)
{
    llm_str_t             s, a, b, back;
    llm_translate_t       x;
    llm_translate_conf_t  conf;

    static const llm_name_rule_t  names = { 64, 0, 0, 0 };
    static const llm_name_rule_t  letter = { 64, 1, 1, 0 };
    static const llm_name_rule_t  ids = { 40, 0, 0, 0 };
    static const llm_name_rule_t  nine = { 9, 0, 0, 1 };

    memset(&x, 0, sizeof(llm_translate_t));
    memset(&conf, 0, sizeof(llm_translate_conf_t));

    x.arena = arena;
    x.conf = &conf;
    conf.id = unit_str("0123456789abcdef");

    s = unit_str("get_weather");
    llm_name_map(&x, &names, &s, &a);
    is_str(a, "get_weather", "a name that fits stays");

    s = unit_str("mcp.files/read");
    llm_name_map(&x, &names, &s, &a);
    is_int(a.len, s.len + 9, "one that does not is replaced");
    ok(memcmp(a.data, "mcp_files_read_", 15) == 0, "by one that reads alike");
    llm_name_map(&x, &names, &s, &b);
    ok(a.data == b.data, "each time");
    llm_name_restore(&x, &a, &back);
    is_str(back, "mcp.files/read", "and restored");

    s = unit_str("mcp__an_extremely_long_server_name__an_extremely_long_tool_"
                 "name_behind_it");
    llm_name_map(&x, &names, &s, &a);
    is_int(a.len, 64, "a long one is cut");
    llm_name_restore(&x, &a, &back);
    ok(back.len == s.len, "and restored");

    s = unit_str("1st.tool");
    llm_name_map(&x, &letter, &s, &a);
    ok(a.data[0] == '_' && memcmp(a.data, "_1st.tool_", 10) == 0,
       "a digit in front");

    s = unit_str("call_1");
    llm_id_map(arena, &ids, &s, &a);
    is_str(a, "call_1", "an id that fits stays");

    llm_id_map(arena, &nine, &s, &a);
    llm_id_map(arena, &nine, &s, &b);
    is_int(a.len, 9, "one of nine characters");
    ok(memcmp(a.data, b.data, 9) == 0, "is always the same");

    s = unit_str("call_2");
    llm_id_map(arena, &nine, &s, &b);
    ok(memcmp(a.data, b.data, 9) != 0, "but not for another");

    s = unit_str("functions.get_weather:0");
    llm_id_map(arena, &ids, &s, &a);
    is_int(a.len, 27, "an id with dots");

    llm_id_make(&x, "msg_", 0, &a);
    llm_id_make(&x, "msg_", 0, &b);
    is_int(a.len, 28, "an id is made");
    ok(memcmp(a.data, b.data, a.len) == 0, "the same when asked again");
    llm_id_make(&x, "msg_", 1, &b);
    ok(memcmp(a.data, b.data, a.len) != 0, "another for another thing");
}


static void
test_effort(void)
{
    llm_str_t  s;

    s = unit_str("medium");
    is_int(llm_effort_by_name(&s), LLM_EFFORT_MEDIUM, "an effort's name");
    is_int(llm_effort_budget(LLM_EFFORT_MEDIUM), 8192, "its budget");
    is_int(llm_effort_of(8192), LLM_EFFORT_MEDIUM, "and back");
    is_int(llm_effort_of(0), LLM_EFFORT_NONE, "none");
    is_int(llm_effort_of(-1), LLM_EFFORT_NOT_TOLD, "not told");
    is_int(llm_effort_of(1000000), LLM_EFFORT_XHIGH, "very high");
}


static void
schema(llm_schema_e kind, const char *from, const char *to)
{
    llm_str_t  s, got;
    llm_buf_t  b;

    s = unit_str(from);
    llm_buf_init(&b, arena);

    is_int(llm_schema_print(arena, kind, &s, &b), LLM_OK, "schema of %u bytes",
           (unsigned) s.len);

    got.data = b.data;
    got.len = b.len;

    is_str(got, to, "becomes what it should");
}


static void
test_schema(void)
{
    llm_str_t  s;

    schema(LLM_SCHEMA_PLAIN, "", "{\"type\":\"object\",\"properties\":{}}");
    schema(LLM_SCHEMA_PLAIN, "{\"properties\":{\"a\":{\"minimum\":1e400}}}",
           "{\"type\":\"object\",\"properties\":"
           "{\"a\":{\"minimum\":1e400}}}");
    schema(LLM_SCHEMA_PLAIN, "{\"type\":\n\"object\"}",
           "{\"type\": \"object\"}");

    schema(LLM_SCHEMA_STRICT_ANTHROPIC,
           "{\"$schema\":\"x\",\"type\":\"object\",\"properties\":{\"title\":"
           "{\"type\":\"string\",\"minLength\":2,\"title\":\"T\"}},"
           "\"additionalProperties\":true}",
           "{\"type\":\"object\",\"properties\":{\"title\":{\"type\":"
           "\"string\",\"description\":\"minLength: 2\"}},"
           "\"additionalProperties\":false}");

    schema(LLM_SCHEMA_STRICT_OPENAI,
           "{\"type\":\"object\",\"properties\":{\"a\":{\"minimum\":0}}}",
           "{\"type\":\"object\",\"properties\":{\"a\":{\"minimum\":0}},"
           "\"additionalProperties\":false}");

    schema(LLM_SCHEMA_OPENAPI,
           "{\"$defs\":{\"P\":{\"type\":[\"string\",\"null\"]}},"
           "\"type\":\"object\",\"properties\":{\"p\":{\"$ref\":"
           "\"#/$defs/P\"},\"q\":{\"const\":\"z\"},\"r\":{\"anyOf\":"
           "[{\"type\":\"integer\"},{\"type\":\"null\"}]}},"
           "\"required\":[\"p\"],\"additionalProperties\":false}",
           "{\"type\":\"OBJECT\",\"properties\":{\"p\":{\"type\":\"STRING\","
           "\"nullable\":true},\"q\":{\"type\":\"STRING\",\"enum\":[\"z\"]},"
           "\"r\":{\"type\":\"INTEGER\",\"nullable\":true}},"
           "\"required\":[\"p\"]}");

    schema(LLM_SCHEMA_OPENAPI, "{\"type\":\"object\",\"properties\":{\"a\":"
           "{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]}}}",
           "{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"nullable\":false,"
           "\"anyOf\":[{\"type\":\"STRING\"},{\"type\":\"NUMBER\"}]}}}");

    schema(LLM_SCHEMA_FROM_OPENAPI,
           "{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\","
           "\"nullable\":true,\"minLength\":\"3\"}},"
           "\"propertyOrdering\":[\"a\"]}",
           "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":[\"string\","
           "\"null\"],\"minLength\":3}}}");

    s = unit_str("{\"type\":\"object\",\"properties\":{\"a\":{}},"
                 "\"required\":[\"a\"],\"additionalProperties\":false}");
    ok(llm_schema_strict(&s), "a strict schema");

    s = unit_str("{\"type\":\"object\",\"properties\":{\"a\":{}},"
                 "\"additionalProperties\":false}");
    ok(!llm_schema_strict(&s), "an optional property is not strict");

    s = unit_str("{\"anyOf\":[{\"type\":\"object\"}]}");
    ok(!llm_schema_strict(&s), "nor is an open object in a union");
}


/* references that lead to themselves, and many to many */

static void
test_schema_references(void)
{
    int        i;
    llm_str_t  s;
    llm_buf_t  from, to;

    llm_buf_init(&from, arena);
    llm_buf_init(&to, arena);

    llm_buf_puts(&from, "{\"type\":\"object\",\"$ref\":\"#/$defs/a0\","
                        "\"$defs\":{");

    for (i = 0; i < 12; i++) {
        llm_buf_puts(&from, i ? ",\"a" : "\"a");
        llm_buf_int(&from, i);
        llm_buf_puts(&from, "\":{\"type\":\"object\",\"properties\":{");
        llm_buf_puts(&from, "\"x\":{\"$ref\":\"#/$defs/a");
        llm_buf_int(&from, (i + 1) % 12);
        llm_buf_puts(&from, "\"},\"y\":{\"$ref\":\"#/$defs/a");
        llm_buf_int(&from, (i + 1) % 12);
        llm_buf_puts(&from, "\"},\"z\":{\"$ref\":\"#\"}}}");
    }

    llm_buf_puts(&from, "}}");

    s.data = from.data;
    s.len = from.len;

    is_int(llm_schema_print(arena, LLM_SCHEMA_OPENAPI, &s, &to), LLM_OK,
           "references to each other");
    ok(to.len < 4 * 1024 * 1024, "stay small");
}


int
main(void)
{
    plan(0);

    arena = llm_arena_create(64 * 1024 * 1024);

    test_strings();
    test_arguments();
    test_media();
    test_state();
    test_names();
    test_effort();
    test_schema();
    test_schema_references();

    llm_arena_free(arena);

    return unit_end();
}
