
/*
 * A non-recursive, incremental JSON scanner.
 *
 * It checks syntax (RFC 8259) and UTF-8, holds depth, members and values to
 * limits before anything is allocated for them, and tells the byte ranges of
 * what its caller named: no tree is built.  A text may come in any pieces.
 */


#ifndef _LLM_SCAN_H_INCLUDED_
#define _LLM_SCAN_H_INCLUDED_


#include "llm_base.h"


/*
 * Limits; more of any of these is LLM_LIMIT.  Those of the top level hold
 * with LLM_SCAN_MEMBERS.
 */

#define LLM_SCAN_MAX_DEPTH      128
#define LLM_SCAN_MAX_MEMBERS    256        /* at the top level */
#define LLM_SCAN_MAX_VALUES     4000000    /* in the whole text */
#define LLM_SCAN_MAX_NAME       256        /* bytes of a top-level name */
#define LLM_SCAN_MAX_PICKS      48

/* besides the picks: a place nobody asked for, the outermost value */
#define LLM_SCAN_PLACES         (LLM_SCAN_MAX_PICKS + 2)


typedef enum {
    LLM_JSON_NONE = 0,
    LLM_JSON_NULL,
    LLM_JSON_FALSE,
    LLM_JSON_TRUE,
    LLM_JSON_NUMBER,
    LLM_JSON_STRING,
    LLM_JSON_ARRAY,
    LLM_JSON_OBJECT
} llm_json_e;


/*
 * A pick names a place worth telling about: member "name" of the object that
 * the parent pick stands for, or, with a NULL name, any element of the array
 * that the parent stands for.  LLM_PICK_ROOT is the text's outermost value.
 * A parent comes before its children in the table, and no two rows name the
 * same place.  Names are compared unescaped and hold at most 255 bytes.
 *
 * What is found stands from the end of its value on; a raw text until the
 * next llm_scan_feed().
 */

#define LLM_PICK_ROOT       0xff

#define LLM_PICK_RAW        0x01    /* keep the raw text, up to limit bytes */
#define LLM_PICK_LENGTH     0x02    /* sum decoded bytes of its strings */
#define LLM_PICK_COUNT      0x04    /* count its elements or members; not
                                       together with LLM_PICK_LENGTH */
#define LLM_PICK_FIRST      0x08    /* the first occurrence counts, not the
                                       last, nor are later ones added */
#define LLM_PICK_BEGINS     0x10    /* no place of its own: the raw text of the
                                       parent, which is kept, begins with name;
                                       "times" tells how often */

typedef struct {
    const char      *name;
    uint8_t          parent;
    uint8_t          flags;
    uint32_t         limit;
} llm_pick_t;


typedef struct {
    size_t           start;       /* offsets in the text: the value's first */
    size_t           end;         /* byte, and the byte behind its last */
    llm_str_t        raw;         /* with LLM_PICK_RAW; strings keep quotes */
    uint64_t         count;       /* LLM_PICK_COUNT: elements of the last one;
                                     LLM_PICK_LENGTH: bytes over all */
    uint32_t         times;       /* how often it occurred */
    uint8_t          type;        /* llm_json_e of the one told */
    uint8_t          began;       /* the scanner's: of the one being read */
    unsigned         truncated:1; /* raw text over the limit, raw is empty */
} llm_found_t;


/* one member of a top-level object, as it stands in the text */

typedef struct {
    llm_str_t        name;        /* unescaped */
    size_t           name_start;  /* the opening quote of the name */
    size_t           start;       /* the value's first byte */
    size_t           end;         /* behind its last */
    uint8_t          type;
} llm_member_t;


#define LLM_SCAN_MEMBERS    0x01  /* list top-level members; two of one name
                                     are LLM_DUPLICATE; the text must be an
                                     object */
#define LLM_SCAN_BORROW     0x02  /* pieces stay where they are while results
                                     are read: raw texts that lie in one piece
                                     point into it instead of being copied */

typedef struct llm_scan_s  llm_scan_t;

/*
 * A table of picks as the scanner walks it: linked once, by the first scanner
 * that is made with it, and only read afterwards.  It belongs to the file
 * that has the table: "static llm_picks_t  x = llm_picks(table);".
 */

typedef struct {
    const llm_pick_t    *table;
    unsigned             n;

    /* the rest is for llm_scan_*.c only */

    unsigned             linked:1;
    uint16_t             name_size;    /* of the longest, escaped */
    uint64_t             parents;      /* places with named children */
    uint8_t              element[LLM_SCAN_PLACES];
    uint8_t              begins[LLM_SCAN_MAX_PICKS];
    uint8_t              slots[256];   /* first pick by hash of its name */
    uint8_t              next[LLM_SCAN_MAX_PICKS];   /* in the same slot */
    uint8_t              parent[LLM_SCAN_MAX_PICKS];
    uint16_t             key[LLM_SCAN_MAX_PICKS];    /* length, first byte */
} llm_picks_t;

#define llm_picks(table)                                                      \
    llm_picks_some(table, sizeof(table) / sizeof(table[0]))

/* the first n of a table */
#define llm_picks_some(table, n)                                              \
    { table, n, 0, 0, 0,                                                      \
      { 0 }, { 0 }, { 0 }, { 0 }, { 0 }, { 0 } }

/*
 * The struct is opaque to readers of the result but for these functions.
 * NULL is returned without memory, or if picks are no table as described
 * above.  picks may be NULL, else they must outlive the scanner.
 * llm_scan_create() links a table for this scanner alone.
 */
llm_scan_t *llm_scan_open(llm_arena_t *arena, llm_picks_t *picks,
    unsigned flags);
llm_scan_t *llm_scan_create(llm_arena_t *arena, const llm_pick_t *picks,
    unsigned npicks, unsigned flags);

/* makes it ready for the next text; memory is used again */
void llm_scan_reset(llm_scan_t *s);

/*
 * Takes the next piece.  LLM_OK: go on.  LLM_INVALID, LLM_LIMIT,
 * LLM_DUPLICATE, LLM_NOMEM: final, see llm_scan_error().  The piece may go
 * afterwards, unless LLM_SCAN_BORROW says that it stays.
 */
int llm_scan_feed(llm_scan_t *s, const unsigned char *data, size_t len);

/* the text is over: LLM_OK if it was exactly one complete value */
int llm_scan_end(llm_scan_t *s);

/* whether one complete value was read (only white space may follow) */
int llm_scan_complete(const llm_scan_t *s);

/* offset of the outermost value's last byte, once it is complete */
size_t llm_scan_close(const llm_scan_t *s);

/* bytes taken so far; after an error, the offset of the offending byte */
size_t llm_scan_offset(const llm_scan_t *s);

/* what is wrong, in words ("invalid escape in string"); a static string */
const char *llm_scan_error(const llm_scan_t *s);

/* after LLM_DUPLICATE: the name */
llm_str_t llm_scan_duplicate(const llm_scan_t *s);

const llm_found_t *llm_scan_found(const llm_scan_t *s, unsigned pick);
const llm_member_t *llm_scan_members(const llm_scan_t *s, unsigned *n);
const llm_member_t *llm_scan_member(const llm_scan_t *s, const char *name);
llm_json_e llm_scan_type(const llm_scan_t *s);    /* of the outermost value */


/*
 * What picks name in an object that was kept of a text already scanned: the
 * raw text of each pick with LLM_PICK_RAW, its last occurrence, empty if it is
 * over the limit; values[] has one for each pick.  Only members are looked at,
 * down to four levels, and no other flag counts.  LLM_OK, or LLM_DECLINED if
 * text is no object.
 */
int llm_scan_kept(llm_picks_t *picks, const llm_str_t *text,
    llm_str_t *values);


/*
 * Readers of raw JSON scalars.  llm_json_string() decodes a string with its
 * quotes (LLM_INVALID on a lone surrogate or NUL); llm_json_int() takes an
 * integer of at most 2^53 without fraction, exponent forms that are integers
 * included (1e3), else LLM_INVALID.
 */
int llm_json_string(llm_arena_t *arena, const llm_str_t *raw, llm_str_t *out);
/* the same between the quotes; dst has room for len bytes, *out are used */
int llm_json_unescape(const unsigned char *raw, size_t len, unsigned char *dst,
    size_t *out);
int llm_json_int(const llm_str_t *raw, int64_t *n);
/* the four hex digits at p as a number; LLM_OK, or LLM_INVALID */
int llm_json_hex(const unsigned char *p, const unsigned char *end,
    uint32_t *code);


#endif /* _LLM_SCAN_H_INCLUDED_ */
