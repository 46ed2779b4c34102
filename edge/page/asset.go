package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"net/http"
	"path"
	"time"
)

//go:embed assets/*
var assetFiles embed.FS

// asset serves the style sheet and the icon. Browsers keep them and ask whether they still hold, so that pages and
// assets of one version stay together through a rolling upgrade.
func (p *Pages) asset(w http.ResponseWriter, r *http.Request) {
	name := path.Base(r.URL.Path)
	content, err := assetFiles.ReadFile("assets/" + name)
	if err != nil || r.URL.Path != "/assets/"+name {
		p.Error(w, r, http.StatusNotFound)
		return
	}
	digest := sha256.Sum256(content)
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(digest[:12])+`"`)
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}
