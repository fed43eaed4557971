package household

import (
	"net/http"

	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/trust"
	"plimsoll.example/plimsoll/internal/web/page"
	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/mud"
)

// mostPhoto bounds a photograph, octets.
const mostPhoto = 12 << 20

// code takes the code on the box or the back of a device: that of its label, or the sticker that says where its rules are
// (RFC 9238). It comes as a photograph, which is not kept, or as the text that a scanner read.
func (p *Pages) code(r *page.Request) (*page.View, error) {
	if p.Code == nil {
		return nil, errNoWay
	}
	d, err := p.Household.Find(r.PathValue("device"))
	if err != nil {
		return nil, problem(err)
	}
	text, err := p.scanned(r)
	if err != nil {
		return nil, err
	}
	if text == "" {
		text = oneLine(r.FormValue("text"))
	}
	made, err := p.Code(r.Context(), p.actor(r), d, text)
	if err != nil {
		return nil, page.Explain(err, []page.Cause{
			{Err: home.ErrNoRegistry, Status: http.StatusConflict, Key: "household.error.registry"},
			{Err: home.ErrOther, Status: http.StatusUnprocessableEntity, Key: "household.error.code.other"},
			{Err: mud.ErrHostile, Status: http.StatusUnprocessableEntity, Key: "household.error.code.hostile"},
			{Err: mud.ErrNotSticker, Status: http.StatusUnprocessableEntity, Key: "household.error.code"},
			{Err: label.ErrLink, Status: http.StatusUnprocessableEntity, Key: "household.error.code"},
			{Err: trust.ErrOtherURL, Status: http.StatusUnprocessableEntity, Key: "household.error.code.covered"},
			{Err: trust.ErrNoLabel, Status: http.StatusUnprocessableEntity, Key: "household.error.code.nobody"},
			{Err: trust.ErrUnknown, Status: http.StatusUnprocessableEntity, Key: "household.error.code.nobody"},
			{Err: trust.ErrUnlogged, Status: http.StatusUnprocessableEntity, Key: "household.error.code.label"},
			{Err: trust.ErrStatus, Status: http.StatusUnprocessableEntity, Key: "household.error.code.status"},
			{Err: home.ErrLabel, Status: http.StatusUnprocessableEntity, Key: "household.error.code.label"},
			{Err: trust.ErrNone, Status: http.StatusServiceUnavailable, Key: "household.error.away"},
			{Err: trust.ErrAway, Status: http.StatusServiceUnavailable, Key: "household.error.away"},
			{Err: home.ErrForce, Status: http.StatusServiceUnavailable, Key: "household.error.force"},
		})
	}
	return page.See(after(made)), nil
}

// scanned is the text of the code on a photograph that a form sends; "" is that it sends none. One is read at a time.
func (p *Pages) scanned(r *page.Request) (string, error) {
	data, leave, err := p.scanning.Upload(r, "photo", mostPhoto)
	if err != nil {
		return "", err
	}
	defer leave()
	if data == nil {
		return "", nil
	}
	if p.Scan == nil {
		return "", errNoWay
	}
	text, err := p.Scan(data)
	if err != nil {
		return "", &page.Problem{Status: http.StatusUnprocessableEntity, Key: "household.error.photo", Cause: err}
	}
	return text, nil
}
