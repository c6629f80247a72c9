package httpkit

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"unicode/utf8"

	"github.com/confab-chat/confab/pkg/fault"
)

// lenientBody is the largest body on the tutorial's routes, in bytes.
const lenientBody = 100 << 10

// decodeLenient fills the string fields of the request from a JSON or urlencoded body, as the tutorial's server did: what is
// unknown is ignored, and what is no string counts as missing (so that no operator of a query language gets in).
func decodeLenient(w http.ResponseWriter, r *http.Request, request any) error {
	target := reflect.ValueOf(request).Elem()
	if target.Kind() != reflect.Struct {
		return nil
	}
	values, err := lenientValues(w, r)
	if err != nil {
		return err
	}
	for i := range target.NumField() {
		tag := target.Type().Field(i).Tag
		if name := tag.Get("path"); name != "" {
			target.Field(i).SetString(r.PathValue(name))
		} else if name := tag.Get("json"); name != "" && name != "-" {
			text, _ := values[name].(string)
			target.Field(i).SetString(text)
		}
	}
	return nil
}

func lenientValues(w http.ResponseWriter, r *http.Request) (map[string]any, error) {
	body, err := ReadBody(w, r, lenientBody)
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // no media type: no values
	switch {
	case len(body) == 0:
	case !utf8.Valid(body):
		return nil, fault.New(fault.Invalid, "invalid_body", "The body is not UTF-8.")
	case kind == "application/json":
		err = json.Unmarshal(body, &values)
	case kind == "application/x-www-form-urlencoded":
		values, err = formValues(string(body))
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "invalid_body", "The body could not be parsed.").Because(err)
	}
	return values, nil
}

func formValues(body string) (map[string]any, error) {
	form, err := url.ParseQuery(body)
	if err != nil {
		return nil, err
	}
	values := make(map[string]any, len(form))
	for name := range form {
		text := form.Get(name)
		if !utf8.ValidString(text) { // the percent-encoding hid it
			return nil, errors.New("a value is not UTF-8")
		}
		values[name] = text
	}
	return values, nil
}
