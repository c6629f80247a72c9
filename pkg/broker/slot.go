package broker

import "strings"

// slotOf returns the slot of a cluster that a key or channel falls into: CRC-16/XMODEM, modulo 16384, of what stands in its first
// braces, or of the whole where they are missing or empty.
// See https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags.
func slotOf(key string) int {
	if _, rest, ok := strings.Cut(key, "{"); ok {
		if tag, _, ok := strings.Cut(rest, "}"); ok && tag != "" {
			key = tag
		}
	}
	var crc uint16
	for i := range len(key) {
		crc ^= uint16(key[i]) << 8
		for range 8 {
			carry := crc >> 15
			crc = crc<<1 ^ carry*0x1021
		}
	}
	return int(crc % 16384)
}
