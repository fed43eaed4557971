package assess

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
)

// IXIT is what somebody who tests must know: the 29 tables of ETSI TS 103 701, V2.1.1, A.3, by their names there.
type IXIT struct {
	AuthMech   []AuthMech              `json:"AuthMech,omitempty"`
	UserInfo   *UserInfo               `json:"UserInfo,omitempty"`
	VulnTypes  []VulnType              `json:"VulnTypes,omitempty"`
	Conf       *Confirmations          `json:"Conf,omitempty"`
	VulnMon    []VulnMonitoring        `json:"VulnMon,omitempty"`
	SoftComp   []SoftwareComponent     `json:"SoftComp,omitempty"`
	UpdMech    []UpdateMechanism       `json:"UpdMech,omitempty"`
	UpdProc    []UpdateProcedure       `json:"UpdProc,omitempty"`
	ReplSup    *ReplacementSupport     `json:"ReplSup,omitempty"`
	SecParam   []SecurityParameter     `json:"SecParam,omitempty"`
	SecComMech []SecureCommunication   `json:"SecComMech,omitempty"`
	NetSecImpl []NetworkImplementation `json:"NetSecImpl,omitempty"`
	SoftServ   []SoftwareService       `json:"SoftServ,omitempty"`
	SecMgmt    []SecureManagement      `json:"SecMgmt,omitempty"`
	PhyIntf    []PhysicalInterface     `json:"PhyIntf,omitempty"`
	CodeMin    []CodeMinimisation      `json:"CodeMin,omitempty"`
	PrivlCtrl  []PrivilegeControl      `json:"PrivlCtrl,omitempty"`
	AccCtrl    []AccessControl         `json:"AccCtrl,omitempty"`
	SecDev     []SecureDevelopment     `json:"SecDev,omitempty"`
	SecBoot    []SecureBoot            `json:"SecBoot,omitempty"`
	PersData   []PersonalData          `json:"PersData,omitempty"`
	ExtSens    []ExternalSensor        `json:"ExtSens,omitempty"`
	ResMech    []ResilienceMechanism   `json:"ResMech,omitempty"`
	TelData    []TelemetryData         `json:"TelData,omitempty"`
	DelFunc    []DeletionFunction      `json:"DelFunc,omitempty"`
	UserDec    []UserDecision          `json:"UserDec,omitempty"`
	UserIntf   []UserInterface         `json:"UserIntf,omitempty"`
	LogIntf    []LogicalInterface      `json:"LogIntf,omitempty"`
	InpVal     []InputValidation       `json:"InpVal,omitempty"`
}

// Entry is what all rows of all tables have.
type Entry struct {
	ID          string `json:"id"` // as the maker numbers it; once in its table
	Description string `json:"description"`
}

// AuthFactor is what somebody must have to log in.
type AuthFactor string

// The factors.
const (
	NoFactor        AuthFactor = "none"
	PasswordFactor  AuthFactor = "password"
	KeyFactor       AuthFactor = "key" // or a certificate, or a token
	PossessFactor   AuthFactor = "possession"
	BiometricFactor AuthFactor = "biometric"
)

// UserInfo is where people find what they must know: URLs, or places such as “on the body”.
type UserInfo struct {
	ChangeMechanisms  string `json:"change_mechanisms,omitempty"`
	Replacement       string `json:"replacement,omitempty"`
	Sensors           string `json:"sensors,omitempty"`
	SecureSetup       string `json:"secure_setup,omitempty"`
	SetupCheck        string `json:"setup_check,omitempty"`
	MaintenanceCheck  string `json:"maintenance_check,omitempty"`
	PersonalData      string `json:"personal_data,omitempty"`
	TelemetryData     string `json:"telemetry_data,omitempty"`
	Deletion          string `json:"deletion,omitempty"`
	ModelDesignation  string `json:"model_designation,omitempty"`
	SupportPeriod     string `json:"support_period,omitempty"` // RFC 3339, the last day
	SupportPublished  string `json:"support_published,omitempty"`
	DisclosurePolicy  string `json:"disclosure_policy,omitempty"`
	AcknowledgeWithin string `json:"acknowledge_within,omitempty"` // of a report of a flaw, such as “5 days”
	StatusEvery       string `json:"status_every,omitempty"`
	NonUpdatable      string `json:"non_updatable,omitempty"`
}

// Confirmations are what the maker confirms that it does.
type Confirmations struct {
	VulnerabilityActions    bool `json:"vulnerability_actions,omitempty"`
	VulnerabilityMonitoring bool `json:"vulnerability_monitoring,omitempty"`
	UpdateProcedures        bool `json:"update_procedures,omitempty"`
	SecureManagement        bool `json:"secure_management,omitempty"`
	SecureDevelopment       bool `json:"secure_development,omitempty"`
}

// ReplacementSupport is for products that cannot be updated.
type ReplacementSupport struct {
	Isolation   string `json:"isolation,omitempty"`
	Replacement string `json:"replacement,omitempty"`
}

// AuthMech is how somebody or something proves who it is.
type AuthMech struct {
	Entry
	Factor       AuthFactor `json:"factor,omitempty"`
	Generation   string     `json:"generation,omitempty"` // how passwords are made at the factory
	Guarantees   string     `json:"guarantees,omitempty"`
	Cryptography string     `json:"cryptography,omitempty"`
	BruteForce   string     `json:"brute_force,omitempty"` // what holds guessing back
	Network      bool       `json:"network,omitempty"`     // it can be reached over a network
}

// VulnType is a kind of flaw, and what is done about it.
type VulnType struct {
	Entry
	Action    string `json:"action,omitempty"`
	TimeFrame string `json:"time_frame,omitempty"`
}

// VulnMonitoring is how the maker looks for flaws.
type VulnMonitoring struct {
	Entry
}

// SoftwareComponent is a part of the software.
type SoftwareComponent struct {
	Entry
	Update       []string `json:"update,omitempty"` // UpdMech
	Cryptography string   `json:"cryptography,omitempty"`
}

// UpdateMechanism is a way of updating.
type UpdateMechanism struct {
	Entry
	Network       bool     `json:"network,omitempty"`   // updates come over a network
	Automatic     bool     `json:"automatic,omitempty"` // it updates by itself
	Servers       []string `json:"servers,omitempty"`   // host names that updates are asked of
	Guarantees    string   `json:"guarantees,omitempty"`
	Cryptography  string   `json:"cryptography,omitempty"`
	Initiation    string   `json:"initiation,omitempty"` // who begins it, and what the user does
	Configuration string   `json:"configuration,omitempty"`
	Checking      string   `json:"checking,omitempty"` // when it looks for updates
	Notification  string   `json:"notification,omitempty"`
}

// UpdateProcedure is how an update comes to be.
type UpdateProcedure struct {
	Entry
	TimeFrame string `json:"time_frame,omitempty"`
}

// SecurityParameter is a key, password or other secret.
type SecurityParameter struct {
	Entry
	Type          string   `json:"type,omitempty"` // public or critical
	Guarantees    string   `json:"guarantees,omitempty"`
	Protection    string   `json:"protection,omitempty"`
	Provisioning  string   `json:"provisioning,omitempty"`
	Communication []string `json:"communication,omitempty"` // SecComMech
	Generation    string   `json:"generation,omitempty"`
	PerUnit       bool     `json:"per_unit,omitempty"` // each unit has its own
}

// SecureCommunication is how something is sent securely.
type SecureCommunication struct {
	Entry
	Guarantees   string `json:"guarantees,omitempty"`
	Cryptography string `json:"cryptography,omitempty"`
	Resilience   string `json:"resilience,omitempty"`
}

// NetworkImplementation is code for networks and cryptography.
type NetworkImplementation struct {
	Entry
	Review string `json:"review,omitempty"` // how it was reviewed
	Report string `json:"report,omitempty"` // document
}

// SoftwareService is a service that runs.
type SoftwareService struct {
	Entry
	Ports          []string `json:"ports,omitempty"` // where it answers, such as tcp/443
	Enabled        bool     `json:"enabled,omitempty"`
	Purpose        string   `json:"justification,omitempty"`  // why it is needed
	Configures     bool     `json:"configures,omitempty"`     // security settings can be changed by it
	Authentication []string `json:"authentication,omitempty"` // AuthMech
}

// SecureManagement is how secrets are managed for their whole life.
type SecureManagement struct {
	Entry
}

// PhysicalInterface is an interface that one can touch, or a radio.
type PhysicalInterface struct {
	Entry
	Type       string `json:"type,omitempty"`
	Enabled    bool   `json:"enabled,omitempty"`
	Debug      bool   `json:"debug,omitempty"`
	Disclosed  string `json:"disclosed,omitempty"` // what it tells strangers
	Protection string `json:"protection,omitempty"`
}

// CodeMinimisation is how code was cut to what is needed.
type CodeMinimisation struct {
	Entry
}

// PrivilegeControl is how rights are divided.
type PrivilegeControl struct {
	Entry
}

// AccessControl is how the hardware guards memory.
type AccessControl struct {
	Entry
}

// SecureDevelopment is how the software is developed.
type SecureDevelopment struct {
	Entry
}

// SecureBoot is how software is verified at start.
type SecureBoot struct {
	Entry
	Guarantees   string `json:"guarantees,omitempty"`
	Detection    string `json:"detection,omitempty"`
	Notification string `json:"notification,omitempty"`
}

// PersonalData is a kind of personal data.
type PersonalData struct {
	Entry
	Processing    string   `json:"processing,omitempty"`
	Purpose       string   `json:"purpose,omitempty"`
	Communication []string `json:"communication,omitempty"` // SecComMech
	Sensitive     bool     `json:"sensitive,omitempty"`
	Consent       string   `json:"consent,omitempty"`
	Withdrawal    string   `json:"withdrawal,omitempty"`
	Retention     string   `json:"retention,omitempty"`
	Parties       []string `json:"parties,omitempty"` // host names of those who get it
}

// ExternalSensor is something that it senses.
type ExternalSensor struct {
	Entry
	Sensor string `json:"sensor,omitempty"` // as in the product’s file, such as video
}

// ResilienceMechanism is how it stands outages.
type ResilienceMechanism struct {
	Entry
	Type       string `json:"type,omitempty"`
	Guarantees string `json:"guarantees,omitempty"`
}

// TelemetryData is what it tells its maker of itself.
type TelemetryData struct {
	Entry
	Purpose     string   `json:"purpose,omitempty"`
	Examination string   `json:"examination,omitempty"` // how it is looked at for attacks
	Personal    string   `json:"personal,omitempty"`
	Servers     []string `json:"servers,omitempty"` // host names
}

// DeletionFunction is how data is erased.
type DeletionFunction struct {
	Entry
	Target       string `json:"target,omitempty"` // device or service
	Initiation   string `json:"initiation,omitempty"`
	Confirmation string `json:"confirmation,omitempty"`
}

// UserDecision is what the user decides.
type UserDecision struct {
	Entry
	Options string `json:"options,omitempty"`
	Trigger string `json:"trigger,omitempty"`
}

// UserInterface is where a user types something in.
type UserInterface struct {
	Entry
}

// LogicalInterface is where something comes in over a network, or from a program.
type LogicalInterface struct {
	Entry
	Ports     []string `json:"ports,omitempty"` // such as tcp/443
	Enabled   bool     `json:"enabled,omitempty"`
	Disclosed string   `json:"disclosed,omitempty"` // what it tells strangers
}

// InputValidation is how what comes in is checked.
type InputValidation struct {
	Entry
}

var servicePort = regexp.MustCompile(`^(tcp|udp)/[1-9][0-9]{0,4}$`)

// check says what is wrong: rows without an identifier, or with one that is there twice, and words that are none.
func (x *IXIT) check(wrong func(format string, args ...any)) {
	v := reflect.ValueOf(x).Elem()
	for i := range v.NumField() {
		table, name := v.Field(i), v.Type().Field(i).Name
		if table.Kind() != reflect.Slice {
			continue
		}
		if table.Len() > maxProvisions {
			wrong("ixit.%s: %d rows, at most %d are taken", name, table.Len(), maxProvisions)
		}
		seen := map[string]bool{}
		for row := range table.Len() {
			e := table.Index(row).FieldByName("Entry").Interface().(Entry)
			if e.ID == "" || seen[e.ID] {
				wrong("ixit.%s[%d]: its id %.40q is missing, or is there twice", name, row, e.ID)
			}
			seen[e.ID] = true
			if strings.TrimSpace(e.Description) == "" {
				wrong("ixit.%s[%d] %.40s: no description", name, row, e.ID)
			}
		}
	}
	for i, a := range x.AuthMech {
		switch a.Factor {
		case "", NoFactor, PasswordFactor, KeyFactor, PossessFactor, BiometricFactor:
		default:
			wrong("ixit.AuthMech[%d] %.40s: its factor %.40q is none of none, password, key, possession, biometric", i, a.ID, a.Factor)
		}
	}
	ports := func(table string, i int, e Entry, list []string) {
		for _, p := range list {
			if !servicePort.MatchString(p) {
				wrong("ixit.%s[%d] %.40s: %.40q is no port such as tcp/443", table, i, e.ID, p)
			}
		}
	}
	for i, s := range x.SoftServ {
		ports("SoftServ", i, s.Entry, s.Ports)
	}
	for i, l := range x.LogIntf {
		ports("LogIntf", i, l.Entry, l.Ports)
	}
}

// needs are the tables that a provision is tested with (ETSI TS 103 701, Section 5), space between them.
var needs = map[string]string{
	"5.1-1": "AuthMech", "5.1-2": "AuthMech", "5.1-2A": "AuthMech", "5.1-3": "AuthMech", "5.1-4": "AuthMech UserInfo", "5.1-5": "AuthMech",
	"5.2-1": "UserInfo", "5.2-2": "VulnTypes Conf", "5.2-3": "VulnMon Conf",
	"5.3-1": "SoftComp UpdMech", "5.3-2": "UpdMech", "5.3-3": "UpdMech", "5.3-4A": "UpdMech", "5.3-4B": "UpdMech", "5.3-5": "UpdMech",
	"5.3-6A": "UpdMech", "5.3-6B": "UpdMech", "5.3-7": "UpdMech", "5.3-8": "UpdProc Conf", "5.3-9": "UpdMech", "5.3-10": "UpdMech",
	"5.3-11": "UpdMech", "5.3-12": "UpdMech", "5.3-13": "UserInfo", "5.3-14": "UserInfo", "5.3-15A": "ReplSup", "5.3-15B": "ReplSup", "5.3-16": "UserInfo",
	"5.4-1": "SecParam", "5.4-2": "SecParam", "5.4-3": "SecParam", "5.4-4": "SecParam",
	"5.5-1": "SecComMech", "5.5-2": "NetSecImpl", "5.5-3": "SoftComp", "5.5-4": "SoftServ", "5.5-5": "SoftServ", "5.5-6": "SecParam SecComMech",
	"5.5-7": "SecParam SecComMech", "5.5-8": "SecMgmt Conf",
	"5.6-1": "PhyIntf LogIntf", "5.6-2": "PhyIntf LogIntf", "5.6-3": "PhyIntf", "5.6-4A": "PhyIntf", "5.6-4B": "PhyIntf", "5.6-5": "SoftServ",
	"5.6-6": "CodeMin", "5.6-7": "PrivlCtrl", "5.6-8": "AccCtrl", "5.6-9": "SecDev Conf", "5.7-1": "SecBoot", "5.7-2": "SecBoot",
	"5.8-1": "PersData SecComMech", "5.8-2": "PersData SecComMech", "5.8-3": "ExtSens UserInfo", "5.9-1": "ResMech", "5.9-2": "ResMech", "5.9-3": "SecComMech",
	"5.10-1": "TelData", "5.11-1": "DelFunc", "5.11-2": "DelFunc", "5.11-3": "UserInfo", "5.11-4": "DelFunc",
	"5.12-1": "UserDec", "5.12-2": "UserInfo", "5.12-3": "UserInfo", "5.13-1A": "UserIntf InpVal", "5.13-1B": "LogIntf InpVal",
	"6-1": "PersData UserInfo", "6-2": "PersData", "6-3A": "PersData", "6-3B": "PersData", "6-4": "TelData", "6-5": "TelData UserInfo",
	"6-6": "PersData", "6-7": "PersData", "6-8": "PersData",
}

// missing are the tables that a provision is tested with and that the maker left empty.
func (x *IXIT) missing(provision string) (list []string) {
	v := reflect.ValueOf(x).Elem()
	for _, name := range strings.Fields(needs[provision]) {
		t := v.FieldByName(name)
		if !t.IsValid() {
			panic(fmt.Sprintf("assess: no table %s", name)) // needs is part of the program
		}
		if t.IsZero() || t.Kind() == reflect.Slice && t.Len() == 0 {
			list = append(list, name)
		}
	}
	return list
}
