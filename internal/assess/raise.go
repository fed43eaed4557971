package assess

import (
	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/norms"
)

// ways are how others than a laboratory can raise a norm: what the program itself can see, or look up, that supports it.
var ways = map[string]struct {
	key string
	to  label.Class
}{
	"etsi.5.1-5":    {"probe", label.Seen},
	"etsi.5.2-1":    {"web", label.WebChecked},
	"etsi.5.3-16":   {"model", label.Seen},
	"etsi.5.3-2":    {"capture", label.Seen},
	"etsi.5.3-5":    {"flows", label.Seen},
	"etsi.5.5-1":    {"tls", label.Seen},
	"etsi.5.6-1":    {"ports", label.Seen},
	"nist8425.DP.3": {"probe", label.Seen},
	"ota.15":        {"probe", label.Seen},
	"psti.2":        {"web", label.WebChecked},
}

// raise says what would raise the class of a norm, or mend its verdict, the nearest first.
func (j *judge) raise(n *Norm, p *pleas, declared Support) (list []Said) {
	say := func(key string, args ...any) { list = append(list, Said{Key: "assess.raise." + key, Args: args}) }
	switch {
	case n.Class == label.Refuted:
		say("mend")
		return list
	case n.Verdict == NotApplicable, n.Verdict == Pass && n.Class == label.LabTested:
		return nil
	case n.Verdict == Fail:
		say("meet")
		return list
	case declared == supportUnsaid && n.Source == etsi:
		say("declare", "number", n.SourceID)
	case declared == DoesNotApply:
		say("condition", "list", conditions(&n.Norm))
	}
	if j.Declaration != nil && n.Source == etsi && declared == Supported {
		if missing := j.Declaration.IXIT.missing(n.SourceID); len(missing) > 0 {
			say("ixit", "list", missing)
		}
	}
	if n.State == norms.TextMissing {
		return list
	}
	if w := ways[n.ID]; w.key != "" && n.Class < w.to {
		say(w.key)
	}
	say("lab", "how", words{n.How.English, n.How.French})
	return list
}

// conditions are what the norm depends on, by their keys in EN 303 645.
func conditions(n *norms.Norm) []string {
	list := append(append([]string{}, n.Status.Conditions...), n.Status.Features...)
	if len(list) == 0 {
		return []string{"—"}
	}
	return list
}
