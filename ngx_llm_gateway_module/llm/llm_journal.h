
/*
 * The journal's bytes: a header, then records {kind, key, value}, each with a
 * CRC-32 over all of it.  Numbers are little-endian.
 *
 *     header   "llmstate"  u32 version  u32 crc of the 12 bytes before
 *     record   u32 crc  u8 kind  u8 0  u16 key's length  u32 value's length
 *              key  value
 */


#ifndef _LLM_JOURNAL_H_INCLUDED_
#define _LLM_JOURNAL_H_INCLUDED_


#include "llm_base.h"


#define LLM_JOURNAL_VERSION     1

#define LLM_JOURNAL_HEADER      16
#define LLM_JOURNAL_RECORD      12             /* what stands before a key */

#define LLM_JOURNAL_KEY_MAX     1024           /* bytes; a key has 1 or more */
#define LLM_JOURNAL_VALUE_MAX   (16 * 1024)    /* bytes; may be 0 */
#define LLM_JOURNAL_RECORD_MAX  (LLM_JOURNAL_RECORD + LLM_JOURNAL_KEY_MAX     \
                                 + LLM_JOURNAL_VALUE_MAX)


typedef struct {
    unsigned         kind;         /* 1 to 255 */
    llm_str_t        key;          /* both point into what was read */
    llm_str_t        value;
} llm_journal_record_t;


/* CRC-32 of IEEE 802.3, as zlib's; crc is 0 at the start */
uint32_t llm_journal_crc(uint32_t crc, const void *data, size_t len);

/* writes LLM_JOURNAL_HEADER bytes */
void llm_journal_write_header(unsigned char *p);

/*
 * LLM_OK; LLM_LIMIT: a journal of another version; LLM_INVALID: no journal.
 * *version is set for the first two.
 */
int llm_journal_read_header(const unsigned char *p, size_t len,
    uint32_t *version);

/* bytes that a record takes */
size_t llm_journal_size(size_t key, size_t value);

/*
 * Writes a record of llm_journal_size() bytes, whose lengths are within the
 * limits; returns the byte behind it.
 */
unsigned char *llm_journal_write(unsigned char *p,
    const llm_journal_record_t *record);

/*
 * Reads the record that rest begins with, and takes it off.  LLM_OK;
 * LLM_DECLINED: rest is empty; LLM_AGAIN: it is cut, as the last one of a
 * killed writer may be; LLM_INVALID: it is damaged.  rest stays as it is in
 * all cases but the first.
 */
int llm_journal_read(llm_str_t *rest, llm_journal_record_t *record);

/*
 * Takes damaged bytes off rest, up to a record that can be read, or to the
 * end.
 */
void llm_journal_skip(llm_str_t *rest);


#endif /* _LLM_JOURNAL_H_INCLUDED_ */
