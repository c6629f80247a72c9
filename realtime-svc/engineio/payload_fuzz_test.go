package engineio

import (
	"bytes"
	"testing"
)

// Whatever decodes must come out the same when it is encoded and decoded again.
func FuzzPayloads(f *testing.F) {
	for _, seed := range []string{"4x\x1eb4AQI=\x1e", "6:4hello", "10:b4AQIDBA==", "\x00\x02\xff4x\x01\x03\xff\x04ab", "2:4\xc3\xa4", "3:4\xc3\x83\xc2\xa4"} {
		f.Add([]byte(seed), uint8(0))
		f.Add([]byte(seed), uint8(1))
		f.Add([]byte(seed), uint8(2))
	}
	f.Fuzz(func(t *testing.T, body []byte, which uint8) {
		c := []codec{payload4{}, payload3{base64: true}, payload3{}}[which%3]
		contentType := []string{"text/plain", "text/plain", octets}[which%3]
		packets, err := c.decode(body, contentType)
		if err != nil {
			return
		}
		encoded, encodedType := c.encode(packets)
		again, err := c.decode(encoded, encodedType)
		if err != nil || len(again) != len(packets) {
			t.Fatalf("%q decodes to %v, which encodes to %q, which decodes to %v, %v", body, packets, encoded, again, err)
		}
		for i, p := range packets {
			once := bytes.Equal(again[i].Data, p.Data)
			if !once && !ascii(p.Data) && which%3 == 1 {
				continue // a text that looks as if it were encoded twice
			}
			if again[i].kind != p.kind || again[i].Binary != p.Binary || !once {
				t.Fatalf("packet %d of %q is %v, and then %v", i, body, p, again[i])
			}
		}
	})
}
