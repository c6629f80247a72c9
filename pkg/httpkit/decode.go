package httpkit

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/confab-chat/confab/pkg/fault"
)

// MaxBody is the largest request body, in bytes: a message of 16 KiB whose every character is escaped, and room to spare.
const MaxBody = 128 << 10

// Decode fills the request it points to from what the transport received. The endpoint calls it late, after authentication and limits,
// so that strangers learn nothing from the order of checks and metrics see malformed requests too.
type Decode func(request any) error

// decodeStrict fills the fields tagged path and query from the URL and all others from the JSON body. It refuses what it
// does not know.
func decodeStrict(w http.ResponseWriter, r *http.Request, request any) error {
	target := reflect.ValueOf(request).Elem()
	if target.Kind() != reflect.Struct {
		return nil
	}
	fields := fieldsOf(target.Type())
	if fields.body {
		if err := decodeBody(w, r, request); err != nil {
			return err
		}
	}
	if err := decodeQuery(r, target, fields); err != nil {
		return err
	}
	for name, index := range fields.path {
		field := target.Field(index)
		if !field.IsZero() { // peers name it in the body, clients in the path alone
			return unknownField(strconv.Quote(target.Type().Field(index).Tag.Get("json")))
		}
		field.SetString(r.PathValue(name))
	}
	return nil
}

// internalBody is the largest body between services, in bytes.
const internalBody = 8 << 20

// decodeInternal takes a request of another service. It ignores fields it does not know: two releases work side by side in an upgrade.
func decodeInternal(w http.ResponseWriter, r *http.Request, request any) error {
	body, err := ReadBody(w, r, internalBody)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, request); err != nil {
		return jsonFault(err)
	}
	return nil
}

// fields says where a request struct's fields come from: the field's index by its name on the wire.
type fields struct {
	path, query map[string]int
	body        bool
}

func fieldsOf(t reflect.Type) fields {
	f := fields{path: map[string]int{}, query: map[string]int{}}
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		switch {
		case tag.Get("path") != "":
			f.path[tag.Get("path")] = i
		case tag.Get("query") != "":
			f.query[tag.Get("query")] = i
		case tag.Get("json") != "-":
			f.body = true
		}
	}
	return f
}

func decodeBody(w http.ResponseWriter, r *http.Request, request any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return fault.New(fault.Unsupported, "unsupported_media_type", "Send the body as Content-Type: application/json.")
	}
	body, err := ReadBody(w, r, MaxBody)
	if err != nil {
		return err
	}
	return StrictJSON(body, request)
}

// ReadBody reads at most limit bytes of the body. It returns a TooLarge or Invalid fault.
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, fault.New(fault.TooLarge, "body_too_large", "The body is larger than "+strconv.FormatInt(limit, 10)+" bytes.")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fault.New(fault.Canceled, "canceled", "The client left before the end of its body.").Because(err)
	case err != nil:
		return nil, fault.New(fault.Invalid, "body_unreadable", "The body could not be read.").Because(err)
	}
	return body, nil
}

// StrictJSON decodes one JSON object of valid UTF-8 and nothing more. Of a field given twice the last value counts. It returns
// an Invalid fault that says what is wrong.
func StrictJSON(body []byte, request any) error {
	if !utf8.Valid(body) {
		return fault.New(fault.Invalid, "invalid_json", "The body is not UTF-8.")
	}
	if !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) { // null would decode into anything
		return fault.New(fault.Invalid, "invalid_json", "The body is no JSON object.")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(request); err != nil {
		return jsonFault(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fault.New(fault.Invalid, "invalid_json", "The body goes on after its JSON object.")
	}
	return nil
}

func jsonFault(err error) error {
	if wrongType, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fault.BadField(wrongType.Field, "The value is no "+typeName(wrongType.Type)+".").Because(err)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return unknownField(name).Because(err)
	}
	return fault.New(fault.Invalid, "invalid_json", "The body is no JSON object as documented.").Because(err)
}

func unknownField(quoted string) *fault.Error {
	return fault.New(fault.Invalid, "unknown_field", "The field "+quoted+" is not known here.")
}

func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int, reflect.Int64:
		return "integer"
	case reflect.Slice:
		return "array"
	case reflect.Struct, reflect.Map:
		return "object"
	case reflect.Bool:
		return "boolean"
	case reflect.Pointer:
		return typeName(t.Elem())
	default:
		return t.Kind().String()
	}
}

func decodeQuery(r *http.Request, target reflect.Value, f fields) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return fault.New(fault.Invalid, "invalid_query", "The query string could not be parsed.").Because(err)
	}
	for name, values := range query {
		index, ok := f.query[name]
		if !ok {
			return fault.New(fault.Invalid, "unknown_parameter", "The query parameter "+strconv.Quote(name)+" is not known here.")
		}
		if len(values) != 1 {
			return fault.BadField(name, "Give the parameter once.")
		}
		if err := setField(target.Field(index), name, values[0]); err != nil {
			return err
		}
	}
	return nil
}

func setField(v reflect.Value, name, text string) error {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return setField(v.Elem(), name, text)
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fault.BadField(name, "The value is no integer.")
		}
		v.SetInt(n)
	case reflect.Slice:
		v.Set(reflect.ValueOf(strings.Split(text, ",")))
	default:
		v.SetString(text)
	}
	return nil
}
