
/* Gemini's dialect: requests of its clients, requests to its models */


#include "generate_case.h"


static void
start(uint64_t quirks)
{
    case_init(LLM_DIALECT_GENERATE, quirks, "gemini-2.5-flash");
}


static const char *
first_id(void)
{
    const llm_turn_t   *turn;
    const llm_block_t  *block;

    for (turn = x->form->turns; turn; turn = turn->next) {

        for (block = turn->blocks; block; block = block->next) {

            if (block->kind == LLM_BLOCK_TOOL_CALL) {
                return (const char *) block->id.data;
            }
        }
    }

    return "";
}


static void
test_text(void)
{
    llm_str_t  s;

    start(0);
    s = case_request(LLM_OP_GENERATE,
                     "{\"system_instruction\":{\"parts\":{\"text\":\"Be "
                     "brief.\"}},\"contents\":[{\"parts\":[{\"text\":\"Hi\"},"
                     "{\"text\":\"\"}]},{\"role\":\"model\",\"parts\":["
                     "{\"text\":\"Hello\"}]},{\"role\":\"user\",\"parts\":"
                     "[{\"text\":\"a\"}]},{\"role\":\"user\",\"parts\":"
                     "[{\"text\":\"b\"}]}]}");
    is_str(s, "{\"systemInstruction\":{\"parts\":[{\"text\":\"Be brief.\"}]},"
              "\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}"
              "]},{\"role\":\"model\",\"parts\":[{\"text\":\"Hello\"}]},"
              "{\"role\":\"user\",\"parts\":[{\"text\":\"a\"},"
              "{\"text\":\"b\"}]}]}",
           "snake_case is read, camelCase written, neighbours are one");

    start(0);
    s = case_request(LLM_OP_GENERATE, "{\"contents\":\"Hi\"}");
    is_str(s, "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}"
              "]}]}", "contents may be a string");

    start(0);
    s = case_request(LLM_OP_GENERATE,
                     "{\"contents\":{\"parts\":{\"text\":\"Hi\"}},"
                     "\"systemInstruction\":\"S\"}");
    has(s, "{\"systemInstruction\":{\"parts\":[{\"text\":\"S\"}]},"
           "\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}]",
        "the system comes first wherever it stands");
    ok(x->form->turns->prev == NULL && x->form->end->prev == x->form->turns
       && x->form->end->role == LLM_ROLE_USER, "and the way back is right");

    start(0);
    s = case_request(LLM_OP_GENERATE,
                     "{\"contents\":[{\"role\":\"model\",\"parts\":"
                     "[{\"text\":\"I\"}]}]}");
    has(s, "\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\".\"}]},"
           "{\"role\":\"model\"", "a conversation begins with its user");

    start(0);
    s = case_request(LLM_OP_GENERATE,
                     "{\"\\u0063ontents\":[{\"p\\u0061rts\":[{\"text\":"
                     "\"Hi\"}]}]}");
    has(s, "\"Hi\"", "names may be escaped");
}


static void
test_bad(void)
{
    unsigned  i;

    static const struct {
        const char  *body;
        const char  *answer;
    } cases[] = {
        { "{}", "contents: \"contents\" is missing" },
        { "{\"contents\":7}", "contents: \"contents\" must be an array" },
        { "{\"contents\":[7]}",
          "contents[0].parts[0]: a content must be an object" },
        { "{\"contents\":[{\"role\":\"bot\"}]}",
          "contents[0].parts[0].role: the role must be \"user\" or "
          "\"model\"" },
        { "{\"contents\":[{\"parts\":[{\"text\":\"a\"},7]}]}",
          "contents[0].parts[1]: a part must be an object" },
        { "{\"contents\":[{\"parts\":[{\"text\":7}]}]}",
          "contents[0].parts[0].text: \"text\" must be a string" },
        { "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"functionCall\":"
          "{\"args\":{}}}]}]}",
          "contents[0].parts[0].functionCall.name: a function call must have "
          "a name" },
        { "{\"contents\":[{\"parts\":[{\"functionResponse\":{\"name\":\"f\","
          "\"response\":{}}}]}]}",
          "contents[0].parts[0].functionResponse: no function call of the "
          "turn before awaits this response" },
        { "{\"contents\":[{\"parts\":[{\"inlineData\":{\"mimeType\":"
          "\"image/png\",\"data\":\"%%\"}}]}]}",
          "contents[0].parts[0].inlineData.data: \"data\" must be base64" },
        { "{\"contents\":\"a\",\"generationConfig\":{\"candidateCount\":2}}",
          "generationConfig.candidateCount: this model's provider gives one "
          "answer at a time" },
        { "{\"contents\":\"a\",\"generationConfig\":{\"temperature\":"
          "\"hot\"}}",
          "generationConfig.temperature: this must be a number" },
        { "{\"contents\":\"a\",\"generationConfig\":{\"maxOutputTokens\":"
          "-1}}",
          "generationConfig.maxOutputTokens: this must be a positive "
          "integer" },
        { "{\"contents\":\"a\",\"generationConfig\":{\"responseMimeType\":"
          "\"text/yaml\"}}",
          "generationConfig.responseMimeType: only text/plain, "
          "application/json and text/x.enum can be translated" },
        { "{\"contents\":\"a\",\"toolConfig\":{\"functionCallingConfig\":"
          "{\"mode\":\"SOME\"}}}",
          "toolConfig.functionCallingConfig.mode: the mode must be AUTO, "
          "ANY, NONE or VALIDATED" },
        { "{\"contents\":\"a\",\"cachedContent\":\"cachedContents/1\"}",
          "cachedContent: \"cachedContent\" names what only Google keeps, "
          "and no route of this request leads there" },
        { NULL, NULL }
    };

    for (i = 0; cases[i].body; i++) {
        start(0);
        is_str(case_request(LLM_OP_GENERATE, cases[i].body), cases[i].answer,
               "refused: %s", cases[i].body);
    }
}


static void
test_config(void)
{
    llm_str_t  s;

    start(0);
    s = case_request(LLM_OP_GENERATE_STREAM,
                     "{\"contents\":\"a\",\"generation_config\":{\"max_output_"
                     "tokens\":7,\"temperature\":1e400,\"top_p\":0.50,"
                     "\"top_k\":40.0,\"seed\":12345678901234567890,"
                     "\"presence_penalty\":-0,\"stop_sequences\":[\"a\","
                     "\"\\n\"],\"thinking_config\":{\"thinking_budget\":100,"
                     "\"include_thoughts\":true},\"mediaResolution\":\"x\"},"
                     "\"safety_settings\":[],\"labels\":{}}");
    has(s, "\"generationConfig\":{\"maxOutputTokens\":7,\"temperature\":"
           "1e400,\"topP\":0.50,\"topK\":40.0,\"seed\":12345678901234567890,"
           "\"presencePenalty\":-0,\"stopSequences\":[\"a\",\"\\n\"],"
           "\"thinkingConfig\":{\"includeThoughts\":true,\"thinkingBudget\":"
           "100}}", "numbers stay as they were written");
    is_str(llm_translate_dropped(x), "mediaResolution,safetySettings,labels",
           "what is left out is named");
    ok(x->form->stream, "the operation tells that it is a stream");

    start(LLM_QUIRK(NO_PENALTY));
    to.max_output = 5;
    s = case_request(LLM_OP_GENERATE,
                     "{\"contents\":\"a\",\"generationConfig\":"
                     "{\"maxOutputTokens\":7,\"frequencyPenalty\":1}}");
    has(s, "\"generationConfig\":{\"maxOutputTokens\":5}",
        "never more than the model gives");
    is_str(llm_translate_dropped(x), "frequencyPenalty",
           "penalties are left out where they are refused");

    start(0);
    s = case_request(LLM_OP_GENERATE,
                     "{\"contents\":\"a\",\"generationConfig\":{\"thinking"
                     "Config\":{\"thinkingLevel\":\"HIGH\"}}}");
    has(s, "\"thinkingBudget\":24576", "a level is a budget to older models");

    start(LLM_QUIRK(LEVEL));
    s = case_request(LLM_OP_GENERATE,
                     "{\"contents\":\"a\",\"generationConfig\":{\"thinking"
                     "Config\":{\"thinkingBudget\":0}}}");
    has(s, "{\"includeThoughts\":false,\"thinkingLevel\":\"MINIMAL\"}",
        "a budget is a level to newer ones");

    start(LLM_QUIRK(LEVEL));
    to.model = unit_str("gemini-3-pro");
    s = case_request(LLM_OP_GENERATE,
                     "{\"contents\":\"a\",\"generationConfig\":{\"thinking"
                     "Config\":{\"thinkingBudget\":0}}}");
    has(s, "\"thinkingLevel\":\"LOW\"", "pro cannot but think");

    start(0);
    to.model = unit_str("gemini-2.5-pro");
    s = case_request(LLM_OP_GENERATE,
                     "{\"contents\":\"a\",\"generationConfig\":{\"thinking"
                     "Config\":{\"thinkingBudget\":0}}}");
    has(s, "\"thinkingBudget\":128", "older pro neither");

    start(0);
    s = case_request(LLM_OP_GENERATE,
                     "{\"contents\":\"a\",\"generationConfig\":{\"thinking"
                     "Config\":{\"thinkingBudget\":-1}}}");
    has(s, "\"thinkingBudget\":-1", "the model may decide");

    start(0);
    s = case_request(LLM_OP_GENERATE,
                     "{\"contents\":\"a\",\"generationConfig\":"
                     "{\"responseMimeType\":\"application/json\","
                     "\"responseJsonSchema\":{\"type\":\"object\"}}}");
    has(s, "{\"responseMimeType\":\"application/json\","
           "\"responseJsonSchema\":{\"type\":\"object\"}}", "JSON is asked");

    start(0);
    s = case_request(LLM_OP_GENERATE,
                     "{\"contents\":\"a\",\"tools\":[{\"functionDeclarations\""
                     ":[{\"name\":\"f\"}]}],\"generationConfig\":{\"response"
                     "MimeType\":\"application/json\",\"responseJsonSchema\":"
                     "{\"type\":\"object\"}}}");
    has_not(s, "responseMimeType", "no JSON beside functions");
    has(s, "It must conform to this JSON Schema: {\\\"type\\\":\\\"object\\\"}"
           , "but words that ask for it");

    start(LLM_QUIRK(LEVEL));
    s = case_request(LLM_OP_GENERATE,
                     "{\"contents\":\"a\",\"tools\":[{\"functionDeclarations\""
                     ":[{\"name\":\"f\"}]}],\"generationConfig\":{\"response"
                     "MimeType\":\"application/json\"}}");
    has(s, "responseMimeType", "newer models take both");
}


static void
test_tools(void)
{
    llm_str_t  s;

    static const char  *schema =
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\","
        "\"const\":\"b\"}},\"additionalProperties\":false}";

    char  body[1024];

    snprintf(body, sizeof(body),
             "{\"contents\":\"a\",\"tools\":{\"function_declarations\":["
             "{\"name\":\"f\",\"description\":\"does\","
             "\"parameters_json_schema\":%s},{\"name\":\"g\","
             "\"parametersJsonSchema\":{\"type\":\"object\",\"properties\":{}"
             "}}],\"codeExecution\":{}},\"tool_config\":{\"function_calling_"
             "config\":{\"mode\":\"ANY\",\"allowed_function_names\":[\"f\"]"
             "}}}", schema);

    start(0);
    s = case_request(LLM_OP_GENERATE, body);
    has(s, "\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\","
           "\"description\":\"does\",\"parametersJsonSchema\":{", "tools");
    has(s, "{\"name\":\"g\",\"description\":\"g\"}]}]",
        "no schema where there is nothing in it");
    has(s, "\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\","
           "\"allowedFunctionNames\":[\"f\"]}}", "one function is wanted");
    ok(x->form->choice == LLM_CHOICE_TOOL, "which is a choice of a tool");
    is_str(llm_translate_dropped(x), "codeExecution", "code is not run");

    start(LLM_QUIRK(OPENAPI_SCHEMA));
    s = case_request(LLM_OP_GENERATE, body);
    has(s, "\"parameters\":{", "an OpenAPI schema where that is wanted");
    has_not(s, "additionalProperties", "without what it does not have");

    start(0);
    s = case_request(LLM_OP_GENERATE,
                     "{\"contents\":\"a\",\"tools\":[{\"googleSearch\":{}},"
                     "{\"functionDeclarations\":[{\"name\":\"f\"},"
                     "{\"name\":\"g\"}]}],\"toolConfig\":{\"functionCalling"
                     "Config\":{\"mode\":\"VALIDATED\","
                     "\"allowedFunctionNames\":[\"g\"]}}}");
    has_not(s, "googleSearch", "no search beside functions");
    has_not(s, "\"f\"", "functions that are not allowed are not told");
    has(s, "\"mode\":\"AUTO\"}", "where none need be called");

    start(LLM_QUIRK(LEVEL));
    s = case_request(LLM_OP_GENERATE,
                     "{\"contents\":\"a\",\"tools\":[{\"google_search\":{}},"
                     "{\"functionDeclarations\":[{\"name\":\"f\"}]}]}");
    has(s, "]},{\"googleSearch\":{}}]", "newer models search beside them");

    start(0);
    s = case_request(LLM_OP_GENERATE,
                     "{\"contents\":\"a\",\"tools\":[{\"googleSearch\":{}}]}");
    has(s, "\"tools\":[{\"googleSearch\":{}}]", "others search alone");
}


static void
test_calls(void)
{
    char        id[64];
    llm_str_t   s;
    const char  *history =
        "{\"contents\":[{\"parts\":[{\"text\":\"a\"}]},{\"role\":\"model\","
        "\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{\"n\":"
        "12345678901234567890}},\"thoughtSignature\":\"c2ln\"},"
        "{\"functionCall\":{\"name\":\"g\"}},{\"functionCall\":{\"name\":"
        "\"f\",\"args\":{\"n\":2}}}]},{\"role\":\"user\",\"parts\":[{\"text\":"
        "\"see\"},{\"functionResponse\":{\"name\":\"g\",\"response\":"
        "{\"error\":\"no\"}}},{\"functionResponse\":{\"name\":\"f\","
        "\"response\":{\"output\":\"one\"}}},{\"functionResponse\":{\"name\":"
        "\"f\",\"response\":{\"a\":1,\"b\":[]}}}]}]}";

    start(0);
    s = case_request(LLM_OP_GENERATE, history);
    has(s, "{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"f\","
           "\"args\":{\"n\":12345678901234567890}},\"thoughtSignature\":"
           "\"c2ln\"},{\"functionCall\":{\"name\":\"g\",\"args\":{}}},"
           "{\"functionCall\":{\"name\":\"f\",\"args\":{\"n\":2}}}]}",
        "calls, with their signatures");
    has(s, "{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"name\":"
           "\"f\",\"response\":{\"output\":\"one\"}}},{\"functionResponse\":"
           "{\"name\":\"g\",\"response\":{\"error\":\"no\"}}},{\"function"
           "Response\":{\"name\":\"f\",\"response\":{\"a\":1,\"b\":[]}}},"
           "{\"text\":\"see\"}]}",
        "results first, in the order of the calls");

    snprintf(id, sizeof(id), "%s", first_id());
    ok(strncmp(id, "call_", 5) == 0, "a call without an id gets one");

    start(0);
    (void) case_request(LLM_OP_GENERATE, history);
    ok(strncmp(id, first_id(), strlen(id)) == 0,
       "the same history has the same ids");

    start(LLM_QUIRK(LEVEL));
    s = case_request(LLM_OP_GENERATE,
                     "{\"contents\":[{\"role\":\"model\",\"parts\":["
                     "{\"functionCall\":{\"id\":\"ab12cd34\",\"name\":\"f\"}},"
                     "{\"functionCall\":{\"name\":\"g\"}}]},{\"parts\":["
                     "{\"functionResponse\":{\"id\":\"ab12cd34\",\"name\":"
                     "\"f\",\"response\":{\"result\":\"\"}}}]}]}");
    has(s, "{\"functionCall\":{\"name\":\"f\",\"id\":\"ab12cd34\",\"args\":{}}"
           ",\"thoughtSignature\":\"skip_thought_signature_validator\"},"
           "{\"functionCall\":{\"name\":\"g\",\"args\":{}}}",
        "the first call of a step is never unsigned, its own id is kept");
    has(s, "{\"functionResponse\":{\"name\":\"f\",\"id\":\"ab12cd34\","
           "\"response\":{\"output\":\"\"}}}", "in its result, too");
}


static void
test_media(void)
{
    llm_str_t  s;

    static const char  *body =
        "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"functionCall\":"
        "{\"name\":\"f\"}}]},{\"parts\":[{\"functionResponse\":{\"name\":"
        "\"f\",\"response\":{\"output\":\"see\"},\"parts\":[{\"inlineData\":"
        "{\"mimeType\":\"image/jpeg\",\"data\":\"iVBORw0KGgoAAAANSUhEUg==\"}"
        "}]}},{\"inline_data\":{\"mime_type\":\"application/pdf\",\"data\":"
        "\"JVBERi0=\"}},{\"fileData\":{\"fileUri\":\"https://x/y.webp?z\"}},"
        "{\"fileData\":{\"mimeType\":\"video/mp4\",\"fileUri\":"
        "\"gs://b/v\"}}]}]}";

    start(0);
    s = case_request(LLM_OP_GENERATE, body);
    has(s, "{\"functionResponse\":{\"name\":\"f\",\"response\":{\"output\":"
           "\"see\"}}},{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":"
           "\"iVBORw0KGgoAAAANSUhEUg==\"}},{\"inlineData\":{\"mimeType\":"
           "\"application/pdf\",\"data\":\"JVBERi0=\"}},{\"fileData\":"
           "{\"mimeType\":\"image/webp\",\"fileUri\":\"https://x/y.webp?z\"}}"
           ",{\"fileData\":{\"mimeType\":\"video/mp4\",\"fileUri\":"
           "\"gs://b/v\"}}",
        "media, behind a result what that has; types are what data are");

    start(LLM_QUIRK(LEVEL));
    s = case_request(LLM_OP_GENERATE, body);
    has(s, "\"response\":{\"output\":\"see\"},\"parts\":[{\"inlineData\":"
           "{\"mimeType\":\"image/png\"", "newer models take it inside");
}


int
main(void)
{
    plan(0);

    test_text();
    test_bad();
    test_config();
    test_tools();
    test_calls();
    test_media();

    llm_arena_free(arena);

    return unit_end();
}
