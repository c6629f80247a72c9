package engineio

import (
	"encoding/json"
	"net/http"
)

// refusal is the answer to a request that is wrong, in the words of the servers that clients know.
type refusal struct {
	status  int
	Code    int    `json:"code"`
	Message string `json:"message"`
}

var (
	transportUnknown   = refusal{http.StatusBadRequest, 0, "Transport unknown"}
	sessionUnknown     = refusal{http.StatusBadRequest, 1, "Session ID unknown"}
	badMethod          = refusal{http.StatusBadRequest, 2, "Bad handshake method"}
	badRequest         = refusal{http.StatusBadRequest, 3, "Bad request"}
	versionUnsupported = refusal{http.StatusBadRequest, 5, "Unsupported protocol version"}
	tooManyUpgrades    = refusal{http.StatusServiceUnavailable, 3, "Too many upgrades at once"}
	stopping           = refusal{http.StatusServiceUnavailable, 3, "The server stops"}
	tooLarge           = refusal{http.StatusRequestEntityTooLarge, 3, "Payload too large"}
)

const forbidden = 4 // the code of a refusal in the server's own words

func refuse(w http.ResponseWriter, r refusal) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(r.status)
	_ = json.NewEncoder(w).Encode(r)
}
