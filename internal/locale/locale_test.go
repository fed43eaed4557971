package locale

import "testing"

func TestFlagThenEnvironmentChooseTheLanguage(t *testing.T) {
	for _, tt := range []struct {
		name, flag string
		env        map[string]string
		want       Lang
	}{
		{name: "nothing said", want: English},
		{name: "flag", flag: "fr", env: map[string]string{"LC_ALL": "en_CA.UTF-8"}, want: French},
		{name: "flag with a region", flag: "fr-CA", want: French},
		{name: "flag in capitals", flag: "EN", env: map[string]string{"LANG": "fr_CA.UTF-8"}, want: English},
		{name: "LANG", env: map[string]string{"LANG": "fr_CA.UTF-8"}, want: French},
		{name: "LC_MESSAGES before LANG", env: map[string]string{"LC_MESSAGES": "en_CA", "LANG": "fr_CA"}, want: English},
		{name: "LC_ALL before all", env: map[string]string{"LC_ALL": "fr", "LC_MESSAGES": "en", "LANG": "en"}, want: French},
		{name: "empty is not set", env: map[string]string{"LC_ALL": "", "LANG": "fr_FR@euro"}, want: French},
		{name: "POSIX locale", env: map[string]string{"LC_ALL": "C.UTF-8", "LANG": "fr_CA"}, want: English},
		{name: "a language not spoken", env: map[string]string{"LANG": "de_CH.UTF-8"}, want: English},
		{name: "Frisian is not French", env: map[string]string{"LANG": "fry_NL"}, want: English},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := For(tt.flag, func(name string) string { return tt.env[name] })
			if err != nil || got != tt.want {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestUnknownLanguageByFlagIsAnError(t *testing.T) {
	if _, err := For("de", func(string) string { return "" }); err == nil {
		t.Error("no error")
	}
}
