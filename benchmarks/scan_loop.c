/* The yardstick of benchmarks/run.py: a plain C loop that skips through the Huffman codes of one
   restart interval (ITU-T T.81 F.2), with the same look-up tables as the package's core, but
   with pointers, unchecked access and a 64-bit bit buffer that is filled eight bytes at a time
   where none of them is 0xFF. It records nothing. Returns how many bits it passed, or -1. */
#include <stdint.h>
#include <string.h>

typedef struct {
  const uint8_t *at, *end;
  uint64_t bits; /* the next ones at the top */
  int count;     /* how many of them */
  int64_t taken;
} reader;

static inline void fill(reader *r) {
  while (r->count <= 56) {
    if (r->count <= 32 && r->end - r->at >= 4) {
      uint32_t word;
      memcpy(&word, r->at, 4);
      if (!(((word & 0x7F7F7F7Fu) + 0x01010101u) & word & 0x80808080u)) {
        r->bits |= (uint64_t)__builtin_bswap32(word) << (32 - r->count);
        r->count += 32;
        r->at += 4;
        continue;
      }
    }
    uint64_t byte = 0;
    if (r->at < r->end) {
      byte = *r->at++;
      if (byte == 0xFF && r->at < r->end && *r->at == 0) r->at++;
    }
    r->bits |= byte << (56 - r->count);
    r->count += 8;
  }
}

static inline void drop(reader *r, int n) {
  r->bits <<= n;
  r->count -= n;
  r->taken += n;
}

int64_t scan_loop(const uint8_t *data, int64_t length, int64_t mcus, int units,
                  const uint8_t *component, const uint8_t *dc_table, const uint8_t *ac_table,
                  const uint16_t *dc_fast, const uint16_t *ac_fast, const uint16_t *dc_full,
                  const uint16_t *ac_full, int32_t *predictors) {
  reader r = {data, data + length, 0, 0, 0};
  for (int64_t m = 0; m < mcus; m++) {
    for (int u = 0; u < units; u++) {
      fill(&r);
      unsigned e = dc_fast[(dc_table[u] << 12) + (r.bits >> 52)];
      if (e) {
        predictors[component[u]] += (int)(e >> 4) - 2048;
        drop(&r, e & 15);
      } else {
        e = dc_full[(dc_table[u] << 16) + (r.bits >> 48)];
        if (!e) return -1;
        drop(&r, e >> 8);
        int size = e & 15;
        if (size) {
          int value = (int)(r.bits >> (64 - size));
          predictors[component[u]] += value >> (size - 1) ? value : value - (1 << size) + 1;
          drop(&r, size);
        }
      }
      const uint16_t *fast = ac_fast + (ac_table[u] << 13);
      int k = 1;
      while (k < 64) {
        if (r.count < 32) fill(&r);
        e = fast[r.bits >> 51];
        int next = k + ((e >> 4) & 127);
        if (next <= 64) {
          drop(&r, e & 15);
          k = next;
          if (e >= 2048) break;
          continue;
        }
        e = ac_full[(ac_table[u] << 16) + (r.bits >> 48)];
        if (!e) return -1;
        drop(&r, (int)(e >> 8) + (int)(e & 15));
        k += (int)((e >> 4) & 15) + 1;
        if (!(e & 15) && (e & 240) != 240) break;
        if (k > 64) return -1;
      }
    }
  }
  return r.taken;
}
