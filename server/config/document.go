package config

import (
	"fmt"
	"strings"
)

// Document returns the reference of all settings in Markdown. docs/configuration.md is what it returns; a test keeps
// them equal.
func Document() string {
	var b strings.Builder
	b.WriteString(`# Configuration

<!-- Made from server/config/table.go by "make docs". Do not edit. -->

Every setting is an environment variable, a flag and a key in a YAML file, which are one name in three spellings:
` + "`GATEHOUSE_HTTP_ADDR`, `--http-addr`, `http_addr:`" + `. A flag wins over the environment, the environment over a
` + "`.env`" + ` file in the working directory, that over the file given by ` + "`--config`" + ` or
` + "`GATEHOUSE_CONFIG`" + `, and the file over the default.

A secret can also be given as a file: the same name with ` + "`_FILE`" + ` behind it. An unknown flag, an unknown key in the YAML
file and an unknown variable that begins with ` + "`GATEHOUSE_`" + ` are errors; other variables may belong to other programs. All problems
are reported at once. ` + "`gatehouse config`" + ` prints the effective settings and where each comes from, secrets redacted.
`)
	group := ""
	for _, s := range Table() {
		if s.Group != group {
			group = s.Group
			fmt.Fprintf(&b, "\n## %s\n\n| variable | default | |\n| --- | --- | --- |\n", group)
		}
		value := ""
		if s.Default != "" {
			value = "`" + s.Default + "`"
		}
		doc := s.Doc
		if s.Secret {
			doc += " Secret."
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.Env, value, doc)
	}
	return b.String()
}
