package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

const envPrefix = "TIDEMILL_"

// kubernetes puts such variables into every container beside a service that is called tidemill.
var kubernetes = regexp.MustCompile(`^TIDEMILL_(SERVICE_|PORT(_|$))`)

// readEnv is the layer of the environment. An empty variable counts as not set, so that a compose file can pass one
// through; `ui` is switched off by the word off. known are the endpoints of the file, whose case names are matched to.
func readEnv(environ []string, known map[string]map[string]Endpoint) *layer {
	l := newLayer()
	vars := map[string]string{}
	for _, e := range environ {
		if name, value, _ := strings.Cut(e, "="); value != "" && strings.HasPrefix(name, envPrefix) {
			vars[name] = value
		}
	}
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		l.variable(name, vars[name], known)
	}
	return l
}

func (l *layer) variable(name, value string, known map[string]map[string]Endpoint) {
	if slices.Contains(startNames, name) || kubernetes.MatchString(name) {
		return
	}
	for i := range keys {
		if keys[i].Env() == name {
			l.set(name, &keys[i], value)
			return
		}
	}
	for i := range endpointKeys {
		if end, ok := strings.CutPrefix(name, endpointKeys[i].Env()+"_"); ok && end != "" {
			l.endpointVariable(name, &endpointKeys[i], end, value, known[endpointKeys[i].Name])
			return
		}
	}
	l.unknownVariable(name)
}

// endpointVariable sets the URL of the endpoint whose name is end, spelled as variables are; the parameters that the
// file gives it go with the URL that is replaced. A name that the file does not have is taken in lower case.
func (l *layer) endpointVariable(variable string, k *Key, end, url string, known map[string]Endpoint) {
	var same []string
	for _, n := range slices.Sorted(maps.Keys(known)) {
		if spelled(n) == strings.ToUpper(end) {
			same = append(same, n)
		}
	}
	switch len(same) {
	case 0:
		end = strings.ToLower(end)
	case 1:
		end = same[0]
	default:
		l.mistake(variable, k.Name, "it means each of %s; rename one, or set it in the file", strings.Join(same, " and "))
		return
	}
	name := join(k.Name, end)
	if l.checkURL(variable, name, k, url) {
		l.ends[k.Name][end], l.origins[name] = Endpoint{URL: url}, variable
	}
}

var notInVariables = regexp.MustCompile(`[^A-Z0-9_]`)

// spelled is a name as a variable has it: in upper case, with an underscore for what no variable may contain.
func spelled(name string) string { return notInVariables.ReplaceAllString(strings.ToUpper(name), "_") }

func (l *layer) unknownVariable(name string) {
	all := slices.Clone(startNames)
	for _, n := range allNames() {
		all = append(all, EnvName(strings.ReplaceAll(n, ".", delimiter)))
	}
	if near := Nearest(name, all); near != "" {
		l.mistake(name, "", "no such setting; did you mean %s?", near)
		return
	}
	l.mistake(name, "", "no such setting; `driver config` lists those there are")
}
